"""What a real worker answers to those who probe it: alive, ready, stuck, waiting for a broker."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka.admin import ConfigResource, KafkaAdminClient

from streams.local.broker import free_port
from tests.conftest import Spawned
from tests.integration.worker_control import address_of, scrape, stop, total, wait_until, wait_until_ready
from tests.integration.worker_log import DAY, Shop, actual, produce, send, wait_until_caught_up

SCRIPT = Path(__file__).with_name("worker_stuck.py")
EVENT_CLOCK = {"SEGMENTS_CLOCK": "event"}


def now() -> int:
    """Return milliseconds since 1970."""
    return int(time.time() * 1000)


def probe(address: str, page: str) -> tuple[int, dict]:
    """Ask a page, and return its status and body; 0 if nobody listens."""
    try:
        with urllib.request.urlopen(f"{address}/{page}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


@pytest.fixture
def impatient(environment, tmp_path) -> Iterator:
    """Starts the worker that gets stuck once a file exists: `impatient(file)`."""
    running = []

    def start(file: Path) -> Spawned:
        out, err = tmp_path / "stuck.out", tmp_path / "stuck.err"
        env = {**os.environ, **environment}
        with out.open("wb") as output, err.open("wb") as errors:
            process = subprocess.Popen([sys.executable, SCRIPT, file], env=env, stdout=output, stderr=errors)
        running.append(process)
        return Spawned(process, out, err, env)

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.mark.timeout(120)
def test_a_partition_that_hangs_is_not_alive(kafka, environment, fresh_topics, impatient, tmp_path) -> None:
    """With work to do and a broker that answers, a partition that doesn't commit is named, and 503; an idle one never."""
    fresh_topics(2)
    file = tmp_path / "now"
    worker = impatient(file)
    wait_until_ready(worker)
    address = address_of(worker)
    produce(kafka.address, Shop(seed=1).events(200, now() - DAY, 1000))
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
    time.sleep(3)
    assert probe(address, "healthz") == (200, {"alive": True, "stuck": []})
    file.touch()
    produce(kafka.address, Shop(seed=2).events(200, now() - DAY, 1000))
    wait_until("it is stuck", lambda: probe(address, "healthz") == (503, {"alive": False, "stuck": [0]}), 10)
    assert probe(address, "readyz")[0] == 200
    oldest = {
        name: at for name, at in scrape(worker).items() if name.startswith("segments_oldest_unprocessed")
    }
    assert {name.partition('partition="')[2][0] for name in oldest} == {"0"}
    assert all(0 < time.time() - at < 60 for at in oldest.values())


@pytest.mark.timeout(180)
def test_a_partition_that_never_commits_is_not_alive(
    kafka, environment, fresh_topics, impatient, tmp_path
) -> None:
    """Taken over again and again since it was assigned, it is named; lag and age are told at each scrape, the log says why."""
    fresh_topics(2)
    limit(kafka.address, "dead-letters", 100)
    sent_at = time.time()
    send(kafka.address, [("clickstream", b"\x01" * 5_000, b"anna")], partition=0)
    worker = impatient(tmp_path / "never")
    address = address_of(worker)
    wait_until("it is stuck", lambda: probe(address, "healthz") == (503, {"alive": False, "stuck": [0]}), 30)
    place = '{partition="0",topic="clickstream"}'
    for _ in range(20):
        told = {name: value for name, value in scrape(worker).items() if name.endswith(place)}
        assert told[f"segments_consumer_lag_records{place}"] == 1
        assert abs(told[f"segments_oldest_unprocessed_timestamp_seconds{place}"] - sent_at) < 10
        time.sleep(0.1)
    assert probe(address, "healthz") == (503, {"alive": False, "stuck": [0]})
    assert re.search(r"clickstream-0: offset 0: dead-letters takes no [\d,]+ bytes", worker.stderr)
    assert "raise max.message.bytes of dead-letters" in worker.stderr
    assert total(scrape(worker), 'segments_commits_total{result="refused"}') > 2
    limit(kafka.address, "dead-letters", 10_000)
    wait_until("it goes on", lambda: probe(address, "healthz") == (200, {"alive": True, "stuck": []}), 30)
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])


def limit(address: str, topic: str, size: int) -> None:
    """Let a topic take records of so many bytes at most."""
    with closing(KafkaAdminClient(bootstrap_servers=address)) as admin:
        admin.alter_configs([ConfigResource("TOPIC", topic, configs={"max.message.bytes": str(size)})])


@pytest.mark.timeout(180)
def test_a_broker_that_goes_is_waited_for(own_broker, environment, run, impatient, tmp_path) -> None:
    """Before a broker comes, and while it is away, the worker is alive and not ready; with the broker it is both."""
    port = free_port()
    own_broker.wanted_port = port
    environment |= {"SEGMENTS_BROKERS": f"127.0.0.1:{port}", "SEGMENTS_HTTP_PORT": str(free_port(port))}
    own_broker.start()
    assert run("topics", "create", "--partitions", "2").returncode == 0
    own_broker.stop()
    worker = impatient(tmp_path / "never")
    address = f"http://127.0.0.1:{environment['SEGMENTS_HTTP_PORT']}"
    wait_until("it answers", lambda: probe(address, "healthz")[0] == 200)
    assert probe(address, "healthz")[1] == {"alive": True, "waiting_for": "a broker"}
    assert probe(address, "readyz")[0] == 503
    own_broker.start()
    wait_until("it is ready", lambda: probe(address, "readyz")[0] == 200)
    own_broker.kill()
    wait_until("it is not ready", lambda: probe(address, "readyz")[0] == 503, 90)
    said = []
    for _ in range(25):
        said.append(probe(address, "healthz"))
        time.sleep(0.2)
    assert {status for status, _ in said} == {200}
    assert {"alive": True, "waiting_for": "a broker"} in [body for _, body in said]
    own_broker.start()
    wait_until("it is ready again", lambda: probe(address, "readyz")[0] == 200)
    wait_until(
        "nothing is stuck", lambda: probe(address, "healthz") == (200, {"alive": True, "stuck": []}), 5
    )
    stop(worker)


@pytest.mark.timeout(180)
def test_members_are_those_that_entered_and_did_not_leave(kafka, environment, fresh_topics, spawn) -> None:
    """Summed over the workers, through a join, a kill and a restart; a partition that went away leaves no series."""
    fresh_topics(4)
    short = EVENT_CLOCK | {"SEGMENTS_SESSION_TIMEOUT": "6000"}
    first = spawn("worker", env=short)
    wait_until_ready(first)
    produce(kafka.address, Shop(seed=4).events(2_000, now() - 30 * DAY, 60_000))
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
    expected = inside(kafka.address)
    assert len(expected) > 3
    wait_until("one tells all", lambda: members(first) == expected)
    second = spawn("worker", env=short)
    wait_until("both tell it together", lambda: members(first, second) == expected and served(second) == 2)
    mine, other = partitions_told(first), partitions_told(second)
    assert mine | other == {"0", "1", "2", "3"}
    assert not mine & other
    second.kill()
    wait_until("the first tells all again", lambda: members(first) == expected and served(first) == 4)
    third = spawn("worker", env=short)
    wait_until("so they do after a restart", lambda: members(first, third) == expected and served(third) == 2)
    for worker in (first, third):
        stop(worker)


def inside(address: str) -> dict[str, int]:
    """Count who is in each segment, from the segment events."""
    found: dict[str, int] = {}
    for events in actual(address).values():
        for event in events:
            step = 1 if event["transition"] == "enter" else -1
            found[event["segment"]] = found.get(event["segment"], 0) + step
    return {segment: count for segment, count in found.items() if count}


def members(*workers) -> dict[str, float]:
    """Sum what the workers tell of each segment."""
    found: dict[str, float] = {}
    for worker in workers:
        for name, value in scrape(worker).items():
            if name.startswith("segments_members{"):
                segment = name.partition('segment="')[2].partition('"')[0]
                found[segment] = found.get(segment, 0) + value
    return {segment: count for segment, count in found.items() if count}


def served(worker) -> float:
    """How many partitions a worker serves."""
    return total(scrape(worker), "segments_partition_ready")


def partitions_told(worker) -> set[str]:
    """The partitions that the gauges of a worker name."""
    return {name.partition('partition="')[2][0] for name in scrape(worker) if 'partition="' in name}
