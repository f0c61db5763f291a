"""A local single-node Apache Kafka (KRaft), for development, tests and the demo.

`segments broker start`, the demo and the tests use this same class. Everything of a broker is in its data
directory: server.properties, broker.pid, broker.log, output.log (what the JVM prints) and the topics.
"""

import os
import random
import signal
import socket
import struct
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from string import Template

from streams.errors import BrokerError
from streams.local.maven import FOLDER, Report, jars, java, locked
from streams.settings.local_broker import running_pid, written_port

# Below the range from which systems take the ports of outgoing connections: while a broker is down, nobody
# else's connection can sit on its port.
PORTS = range(20_000, 32_000)
HEAP = "512m"
START_SECONDS = 90.0
STOP_SECONDS = 20.0
ATTEMPTS = 3

# Brokers outlive the objects, and often the process, that started them: forgetting a child that runs would be
# reported as a leak.
_STARTED: list[subprocess.Popen[bytes]] = []


def _quiet(line: str) -> None:
    """Reports to nobody."""


class Broker:
    """One Kafka broker in a data directory of its own; another object on that directory sees the same one.

    Its port is chosen at the first start and kept: clients find it again after `kill()` and `start()`.
    """

    def __init__(self, data_dir: Path | str, port: int | None = None, report: Report = _quiet) -> None:
        """With `report` one is told, a line at a time, what takes long."""
        self.data_dir = Path(data_dir).resolve()
        self.wanted_port = port
        self._report = report
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients connect, `127.0.0.1:PORT`: known once the broker was started, running or not."""
        if (port := written_port(self.data_dir)) is None:
            raise BrokerError(f"no broker was ever started in {self.data_dir}: `segments broker start`")
        return f"127.0.0.1:{port}"

    @property
    def pid(self) -> int | None:
        """The process that runs the broker, None if there is none."""
        return running_pid(self.data_dir, self._child)

    def status(self) -> str | None:
        """The address of the broker if it runs, else None."""
        return self.address if self.pid is not None else None

    def start(self) -> str:
        """Starts the broker unless it runs, waits until it answers, and gives its address."""
        folder, program = jars(self._report), java()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with locked(self._file("broker.lock")):
            if (running := self.status()) is not None:
                return self._unchanged(running)
            for attempt in range(1, ATTEMPTS + 1):
                self._configure()
                self._format(program, folder)
                self._launch(program, folder)
                if self._wait_until_it_answers(last=attempt == ATTEMPTS):
                    break
        return self.address

    def stop(self) -> bool:
        """Stops the broker in good order; False if none ran."""
        return self._end(signal.SIGTERM)

    def kill(self) -> bool:
        """Kills the broker on the spot (kill -9), as a crash would; False if none ran."""
        return self._end(signal.SIGKILL)

    def log_tail(self, lines: int = 12) -> str:
        """The end of what the broker and its JVM said, for error messages."""
        said = [self._file(name) for name in ("output.log", "broker.log")]
        texts = [file.read_text(errors="replace") for file in said if file.exists()]
        worst = [line for text in texts for line in text.splitlines() if line.strip()]
        return "\n".join(worst[-lines:])

    def _file(self, name: str) -> Path:
        return self.data_dir / name

    def _unchanged(self, running: str) -> str:
        if self.wanted_port not in (None, written_port(self.data_dir)):
            raise BrokerError(
                f"the broker already runs, at {running}: "
                f"`segments broker stop` first, to have it on {self.wanted_port}"
            )
        return running

    def _configure(self) -> None:
        """Writes server.properties: the port of the last start, a controller port that is free now."""
        port = self.wanted_port or written_port(self.data_dir) or free_port()
        if not is_free(port):
            raise BrokerError(f"port {port} is taken by another program: give another with --port")
        template = Template((FOLDER / "server.properties").read_text())
        text = template.safe_substitute(
            port=port, controller_port=free_port(port), log_dirs=self._file("topics")
        )
        self._file("server.properties").write_text(text)

    def _format(self, program: str, folder: Path) -> None:
        """Prepares an empty data directory, as Kafka demands before the first start."""
        if self._file("topics").joinpath("meta.properties").exists():
            return
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        command = [
            *self._java_command(program, folder, "128m"),
            *("kafka.tools.StorageTool", "format", "--ignore-formatted"),
            *(f"--cluster-id=A{cluster[1:]}", f"--config={self._file('server.properties')}"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - Java
        if done.returncode != 0:
            raise BrokerError(
                f"Kafka could not format {self._file('topics')}:\n{done.stdout}{done.stderr}".rstrip()
            )

    def _java_command(self, program: str, folder: Path, heap: str) -> list[str]:
        return [
            program,
            f"-Xmx{heap}",
            # Compiled once and quickly: a broker that lives for minutes never gets back what the second compiler takes.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={FOLDER / 'log4j2.xml'}",
            f"-Dbroker.log={self._file('broker.log')}",
            *("-cp", f"{folder}/*"),
        ]

    def _launch(self, program: str, folder: Path) -> None:
        """Starts the JVM in a session of its own: a Ctrl-C meant for us does not reach it."""
        command = [
            *self._java_command(program, folder, HEAP),
            "kafka.Kafka",
            str(self._file("server.properties")),
        ]
        with self._file("output.log").open("wb") as output:
            self._child = subprocess.Popen(  # noqa: S603 - Java
                command,
                cwd=self.data_dir,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _STARTED.append(self._child)
        self._file("broker.pid").write_text(f"{self._child.pid}\n")

    def _wait_until_it_answers(self, *, last: bool) -> bool:
        """True once clients can use the broker; False if it died as another program took its port first."""
        deadline = time.monotonic() + START_SECONDS
        try:
            while time.monotonic() < deadline:
                if answers(self.address):
                    return True
                if self.pid is None:
                    return self._died(last=last)
                time.sleep(0.05)
        except KeyboardInterrupt:
            self.kill()
            raise
        self.kill()
        raise BrokerError(f"the broker did not answer within {START_SECONDS:.0f} s:\n{self.log_tail()}")

    def _died(self, *, last: bool) -> bool:
        tail = self.log_tail(200)
        if "Address already in use" in tail and not last and self.wanted_port is None:
            return False
        raise BrokerError(f"the broker died at its start:\n{self.log_tail()}")

    def _end(self, how: signal.Signals) -> bool:
        if (pid := self.pid) is None:
            return False
        os.kill(pid, how)
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid is not None:
            if time.monotonic() > deadline:
                # A stop that does not end must not keep a test or a shell waiting; Kafka's logs survive it.
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        self._file("broker.pid").unlink(missing_ok=True)
        return True


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*taken: int) -> int:
    """A port that nobody listens on, not among those taken."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        if port not in taken and is_free(port):
            return port


def answers(address: str) -> bool:
    """Whether clients can use the broker; it takes connections a little earlier than that."""
    host, _, port = address.rpartition(":")
    # Metadata, version 0, correlation id 1, no client id; about one topic, which cannot exist.
    topic = b"?"
    request = struct.pack(">hhih", 3, 0, 1, -1) + struct.pack(">ih", 1, len(topic)) + topic
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.settimeout(5)
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as reply:
                size, _, brokers = struct.unpack(">iii", reply.read(12))
    except (OSError, struct.error):
        return False
    return bool(size > 0 and brokers > 0)
