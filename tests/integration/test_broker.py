"""`segments broker`: a local Kafka that starts, survives a crash, and says what is missing."""

import os
import shutil
import signal
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kafka.admin import KafkaAdminClient

from streams.errors import BrokerError
from streams.local import maven
from streams.local.broker import Broker, answers, is_free
from streams.local.maven import FOLDER, version

pytestmark = pytest.mark.timeout(180)

LOCAL = {"SEGMENTS_BROKERS": None}


def names(address: str) -> list[str]:
    """The topics at an address."""
    with KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=10_000) as admin:
        return list(admin.list_topics())


@pytest.fixture
def _stopped_after(run):
    """Stops what `segments broker start` left running."""
    yield
    run("broker", "stop")


@pytest.mark.usefixtures("_stopped_after")
def test_start_status_and_stop_agree_on_one_address(run):
    """The commands start one broker, find it, stop it; its address is the default of SEGMENTS_BROKERS."""
    started = run("broker", "start")
    address = started.stdout.strip()
    assert (started.returncode, answers(address)) == (0, True), started.stderr

    again, found = run("broker", "start"), run("broker", "status")
    assert (again.returncode, again.stdout.strip()) == (0, address)
    assert (found.returncode, found.stdout.strip()) == (0, address)
    assert address in run("settings", env=LOCAL).stdout

    other_port = run("broker", "start", "--port", "1")
    assert other_port.returncode == 1
    assert "already runs" in other_port.stderr

    stopped, missing = run("broker", "stop"), run("broker", "status")
    assert (stopped.returncode, stopped.stdout) == (0, "stopped\n")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "segments broker start" in missing.stderr
    assert run("broker", "stop").stdout == "not running\n"


def test_wrong_calls_are_usage_errors(run):
    """A port that is none, and a subcommand that does not exist, end with exit code 2 and a word on why."""
    wrong_port, unknown = run("broker", "start", "--port", "abc"), run("broker", "begin")
    assert (wrong_port.returncode, unknown.returncode) == (2, 2)
    assert "--port" in wrong_port.stderr
    assert "begin" in unknown.stderr


def test_a_killed_broker_comes_back_where_it_was_with_its_topics(own_broker):
    """After kill -9 the same data directory gives the same port and the same topics."""
    address = own_broker.start()
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        admin.create_topics({"kept": {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)

    assert own_broker.kill()
    assert own_broker.status() is None
    assert own_broker.start() == address
    assert "kept" in names(address)


def test_two_brokers_run_side_by_side(kafka, own_broker):
    """Each has a port and topics of its own."""
    own_broker.start()
    with KafkaAdminClient(bootstrap_servers=own_broker.address) as admin:
        admin.create_topics({"mine": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    assert own_broker.address != kafka.address
    assert "mine" not in names(kafka.address)


def test_starts_at_the_same_time_make_one_broker(own_broker):
    """Several who start the broker of one directory at once get the same one."""
    with ThreadPoolExecutor(3) as pool:
        addresses = list(pool.map(lambda _: Broker(own_broker.data_dir).start(), range(3)))
    assert len(set(addresses)) == 1
    assert own_broker.status() == addresses[0]


def test_a_stranger_with_the_old_number_is_not_taken_for_the_broker(own_broker):
    """A pid file that points at another program means that the broker does not run, and nothing is killed."""
    own_broker.data_dir.mkdir()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (own_broker.data_dir / "broker.pid").write_text(str(stranger.pid))
        assert own_broker.status() is None
        assert own_broker.kill() is False
        assert stranger.poll() is None
    finally:
        stranger.send_signal(signal.SIGKILL)
        stranger.wait()


def test_a_taken_port_is_named(kafka, own_broker):
    """A port on which something else listens is refused before anything is started."""
    taken = int(kafka.address.rpartition(":")[2])
    assert not is_free(taken)
    with pytest.raises(BrokerError, match=f"port {taken} is taken"):
        Broker(own_broker.data_dir, port=taken).start()


def test_a_broker_that_dies_at_its_start_says_why(own_broker):
    """The last lines of Kafka's log are in the error."""
    own_broker.start()
    own_broker.stop()
    meta = own_broker.data_dir / "topics" / "meta.properties"
    meta.write_text(meta.read_text().replace("node.id=1", "node.id=7"))
    with pytest.raises(BrokerError, match=r"died at its start(.|\n)*node.id"):
        own_broker.start()
    assert own_broker.status() is None


def path_with(folder: Path, *programs: str) -> str:
    """A PATH on which nothing is found but these."""
    folder.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found is not None
        (folder / program).symlink_to(found)
    return str(folder)


def test_without_java_one_line_says_what_to_install(run, tmp_path):
    """No Java at all: one line and exit code 1."""
    done = run("broker", "start", env={"PATH": path_with(tmp_path / "bin", "ps"), "JAVA_HOME": None})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt-get install openjdk-17" in done.stderr


def test_an_old_java_is_refused(run, tmp_path):
    """Kafka 4 would die of a Java 11 with a page of stack trace: one line says which is needed."""
    path = path_with(tmp_path / "bin", "ps", "sh")
    old = tmp_path / "bin" / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(old.stat().st_mode | stat.S_IXUSR)
    done = run("broker", "start", env={"PATH": path, "JAVA_HOME": None})
    assert done.returncode == 1
    assert "version 11, Kafka needs 17" in done.stderr


def test_without_maven_one_line_says_what_to_install(run, tmp_path):
    """The jars are not there yet and Maven is missing: one line and exit code 1."""
    path = path_with(tmp_path / "bin", "ps", "java")
    done = run("broker", "start", env={"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt-get install maven" in done.stderr


def test_a_maven_that_fails_is_quoted(monkeypatch, tmp_path):
    """Maven's first error is the message, and nothing half-fetched is left for the next start."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = path_with(tmp_path / "bin", "java", "sh")
    mvn = tmp_path / "bin" / "mvn"
    mvn.write_text("#!/bin/sh\necho '[ERROR] no route to host'\nexit 1\n")
    mvn.chmod(0o755)
    monkeypatch.setenv("PATH", path)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BrokerError, match="no route to host"):
        maven.jars(lambda _: None)
    assert not maven.cache_folder().exists()


def test_the_jars_come_once_for_all_who_ask_at_once(monkeypatch, tmp_path):
    """Two first starts at the same time fetch Kafka once, and say so."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: maven.jars(said.append), range(2)))
    assert folders[0] == folders[1]
    assert list(folders[0].glob(f"kafka_2.13-{version()}.jar"))
    assert len([line for line in said if line.endswith("...")]) == 1


def test_compose_runs_the_same_kafka():
    """The image of compose.yaml has the version that the pom names, and is otherwise set up alike."""
    compose = (FOLDER / "compose.yaml").read_text()
    assert f"image: apache/kafka:{version()}\n" in compose
    for line in (FOLDER / "server.properties").read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and name.startswith(("offsets.", "transaction.state", "group.", "auto.")):
            variable = "KAFKA_" + name.upper().replace(".", "_")
            assert f'{variable}: "{value}"' in compose


def test_no_address_of_a_registry_is_written_down():
    """Where the jars come from is Maven's own configuration."""
    assert "epositor" not in (FOLDER / "pom.xml").read_text()


def test_the_heap_is_bounded(kafka):
    """The broker may take half a gigabyte, so that two suites can run on a small machine."""
    shown = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(kafka.broker.pid)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-Xmx512m" in shown.stdout
    assert os.getpid() != kafka.broker.pid
