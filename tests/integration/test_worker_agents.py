"""A developer's own agent in the application of the worker: Faust as documented, without what stock Faust loses."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.integration.worker_control import wait_until
from tests.integration.worker_log import (
    Shop,
    actual,
    assert_same,
    expected,
    produce,
    send,
    wait_until_caught_up,
)

SCRIPT = Path(__file__).with_name("worker_plain_agent.py")


@pytest.fixture
def start(environment, tmp_path) -> Iterator:
    """Starts the worker with the agent: `start(file, FAIL_AT="7")`."""
    running = []

    def begin(file: Path, **more: str) -> subprocess.Popen:
        env = {**os.environ, **environment, "SEGMENTS_CLOCK": "event", **more}
        with (tmp_path / f"agent-{len(running)}.err").open("wb") as errors:
            process = subprocess.Popen([sys.executable, SCRIPT, file], env=env, stderr=errors)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def _notes(kafka, fresh_topics) -> None:
    """Makes the topic of the agent, with another number of partitions than the inputs."""
    fresh_topics(4)
    with kafka.admin() as admin:
        admin.create_topics({"notes": {"num_partitions": 3, "replication_factor": 1}})


def noted(file: Path) -> Counter[str]:
    """What the agent has noted so far."""
    return Counter(file.read_text().split()) if file.exists() else Counter()


def end(process: subprocess.Popen) -> int:
    """Stop it gently."""
    process.send_signal(signal.SIGTERM)
    return process.wait(20)


def write(address: str, numbers: range) -> None:
    """Send numbers to the agent's topic."""
    send(address, [("notes", str(number).encode(), str(number).encode()) for number in numbers])


def committed(address: str, group: str) -> int:
    """Return the sum of the offsets committed for the agent's topic."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": group, "log_level": 0})
    found = consumer.committed([TopicPartition("notes", number) for number in range(3)], 10)
    consumer.close()
    return sum(max(0, each.offset) for each in found)


@pytest.mark.usefixtures("_notes")
@pytest.mark.timeout(240)
def test_an_agent_on_another_topic_gets_each_record_once(kafka, environment, start, tmp_path) -> None:
    """Record by record, through a stop, a join and a leave; its offsets are committed by Faust, segments go on."""
    group, file = environment["SEGMENTS_GROUP"], tmp_path / "noted"
    write(kafka.address, range(200))
    produce(
        kafka.address, Shop(seed=20, shares=(1.0, 1.0)).events(500, int(time.time() * 1000) - 10**9, 60_000)
    )
    first = start(file)
    wait_until("all are noted", lambda: len(noted(file)) == 200)
    second = start(file)
    for burst in range(200, 1000, 100):
        write(kafka.address, range(burst, burst + 100))
        time.sleep(0.3)
    assert end(first) == 0
    write(kafka.address, range(1000, 1100))
    wait_until("all are noted", lambda: len(noted(file)) == 1100)
    wait_until_caught_up(kafka.address, group)
    assert end(second) == 0
    assert set(noted(file)) == {str(number) for number in range(1100)}
    assert max(noted(file).values()) == 1
    assert committed(kafka.address, group) == 1100
    assert_same(expected(kafka.address), actual(kafka.address))


@pytest.mark.usefixtures("_notes")
@pytest.mark.timeout(120)
def test_a_record_at_which_an_agent_fails_comes_again(kafka, start, tmp_path) -> None:
    """The worker ends with exit code 1 and doesn't commit past the record: stock Faust would lose it."""
    file = tmp_path / "noted"
    write(kafka.address, range(20))
    failing = start(file, FAIL_AT="7")
    assert failing.wait(60) == 1
    assert "7" not in noted(file)
    mended = start(file)
    wait_until("all are noted", lambda: len(noted(file)) == 20)
    assert end(mended) == 0
