"""What every test may ask for: the command `segments` as a subprocess, and a real Kafka of one's own."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
from kafka.admin import KafkaAdminClient

from streams.kafka.topics import make, topics
from streams.local.broker import Broker

# A port on which nothing ever listens.
NOBODY = "127.0.0.1:1"
# How the names of Kafka's own topics begin.
INTERNAL = "__"
COMMAND = Path(sys.executable).with_name("segments")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever runs the tests in the background of a shell hands that on to all commands, whose Ctrl-C is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that is skipped, or expected to fail, proves nothing: it counts as failed."""
    return _without_excuse((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """So does a whole file that is skipped."""
    return _without_excuse((yield))


def _without_excuse(report: Report) -> Report:
    if report.skipped or hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else getattr(report, "wasxfail", "")
        report.outcome = "failed"
        report.longrepr = f"a test that is skipped or expected to fail is a failure here: {reason}"
        # pytest shows a report with this mark as expected, whatever its outcome.
        vars(report).pop("wasxfail", None)
    return report


@dataclass
class Kafka:
    """A real broker for the tests of one pytest process."""

    broker: Broker

    @property
    def address(self) -> str:
        """Where clients connect."""
        return self.broker.address

    def admin(self) -> KafkaAdminClient:
        """An admin client; close it, or use it in a `with`."""
        return KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=10_000)

    def topics(self, prefix: str = "") -> list[str]:
        """The names of the topics that exist, Kafka's own left out."""
        with self.admin() as admin:
            names = sorted(admin.list_topics())
        return [name for name in names if name.startswith(prefix) and not name.startswith(INTERNAL)]

    def delete(self, *names: str) -> None:
        """Deletes topics, and waits until the broker does not show them any more."""
        if not names:
            return
        deadline = time.monotonic() + 10
        with self.admin() as admin:
            admin.delete_topics(list(names))
            while not set(names).isdisjoint(admin.list_topics()):
                assert time.monotonic() < deadline, f"Kafka still shows {names}, deleted 10 s ago"
                time.sleep(0.01)

    def clear(self) -> None:
        """Deletes all topics."""
        self.delete(*self.topics())


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """A broker of this pytest process (so of each worker of pytest-xdist), started when first asked for."""
    broker = Broker(tmp_path_factory.mktemp("kafka"), report=print)
    broker.start()
    guard = _guard(broker)
    yield Kafka(broker)
    _end(guard)
    broker.kill()
    # pytest keeps the folders of the last runs; the topics of some tests are large.
    shutil.rmtree(broker.data_dir / "topics", ignore_errors=True)


def _guard(broker: Broker) -> subprocess.Popen[bytes]:
    """Ends the broker if pytest is killed and cannot: nobody else would."""
    script = 'while kill -0 "$0"; do sleep 2; done; kill -9 $(cat "$1")'
    return subprocess.Popen(
        ["sh", "-c", script, str(os.getpid()), str(broker.data_dir / "broker.pid")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker for this test alone, not started yet: to stop, kill and start it again."""
    broker = Broker(tmp_path / "broker", report=print)
    yield broker
    broker.kill()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the commands of a test: settings of its own, and no broker to be found.

    Where tests run with a broker (tests/integration), the fixture of the same name there adds its address.
    """
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SEGMENTS_")},
        "SEGMENTS_BROKERS": NOBODY,
        "SEGMENTS_DATA_DIR": str(tmp_path / "data"),
        "SEGMENTS_GROUP": f"test-{uuid.uuid4().hex[:8]}",
        "SEGMENTS_HTTP_PORT": "0",
    }


FreshTopics = Callable[..., list[str]]


@pytest.fixture
def fresh_topics(kafka: Kafka, environment: dict[str, str]) -> FreshTopics:
    """Deletes all topics and creates ours anew, empty: `fresh_topics(partitions=4)`."""

    def create(partitions: int = 4, group: str = environment["SEGMENTS_GROUP"]) -> list[str]:
        kafka.clear()
        wanted = topics(group)
        with kafka.admin() as admin:
            make(admin, wanted, partitions, replication=1)
        return [topic.name for topic in wanted]

    return create


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs `segments` to its end: `run("topics", "check", env={...}, stdin="...")`."""

    def finish(
        *arguments: str, env: Mapping[str, str | None] = {}, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            env=_merged(environment, env),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return finish


@dataclass
class Spawned:
    """A command that goes on running; its output is in files, so that it never waits for a reader."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    environment: dict[str, str] = field(repr=False)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.process.pid

    @property
    def stdout(self) -> str:
        """What it has printed so far."""
        return self.out.read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """What it has complained of so far."""
        return self.err.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = 30) -> int:
        """Waits for its end, and gives the exit code."""
        return self.process.wait(timeout)

    def kill(self) -> None:
        """Kills it on the spot, as `kill -9`."""
        self.process.kill()
        self.process.wait()


Spawn = Callable[..., Spawned]


@pytest.fixture
def spawn(environment: dict[str, str], tmp_path: Path) -> Iterator[Spawn]:
    """Starts `segments` and lets it run: `spawn("worker", env={...})`; the end of the test ends it."""
    running: list[Spawned] = []

    def start(*arguments: str, env: Mapping[str, str | None] = {}) -> Spawned:
        merged = _merged(environment, env)
        out, err = (tmp_path / f"spawned-{len(running)}.{stream}" for stream in ("out", "err"))
        with out.open("wb") as output, err.open("wb") as errors:
            process = subprocess.Popen(
                [COMMAND, *arguments], env=merged, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
            )
        running.append(Spawned(process, out, err, merged))
        return running[-1]

    yield start
    for spawned in running:
        _end(spawned.process)


def _merged(environment: dict[str, str], more: Mapping[str, str | None]) -> dict[str, str]:
    """The environment with more variables; None takes one away."""
    return {name: value for name, value in {**environment, **more}.items() if value is not None}


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process: asked first, so that it can leave its group, then made to."""
    if process.poll() is None:
        # A process that a test has paused would not hear of it.
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
