"""Who may be in the group, under which name, with which login, over which topics: what a worker says and when it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from tests.conftest import Spawned
from tests.integration.worker_control import (
    address_of,
    ready,
    scrape,
    stop,
    total,
    wait_until,
    wait_until_ready,
)
from tests.integration.worker_log import DAY, Shop, behind, produce

pytestmark = pytest.mark.timeout(180)

SCRIPT = Path(__file__).with_name("worker_impatient.py")
SHORT = {"SEGMENTS_SESSION_TIMEOUT": "6000"}


def health(worker):
    """What /healthz says: its status and body; 0 once nobody listens."""
    try:
        with urllib.request.urlopen(f"{address_of(worker)}/healthz", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return 0, {}


@pytest.fixture
def impatient(environment, tmp_path):
    """Starts a worker that gives up joining after three seconds: `impatient(**settings)`."""
    running = []

    def start(**more):
        out, err = (tmp_path / f"impatient-{len(running)}.{stream}" for stream in ("out", "err"))
        env = {**os.environ, **environment, **more}
        with out.open("wb") as output, err.open("wb") as errors:
            process = subprocess.Popen([sys.executable, SCRIPT], env=env, stdout=output, stderr=errors)
        running.append(process)
        return Spawned(process, out, err, env)

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def stranger(kafka, environment):
    """Another program in the group of the workers, which shares partitions in another way."""
    consumer = Consumer({
        "bootstrap.servers": kafka.address, "group.id": environment["SEGMENTS_GROUP"],
        "partition.assignment.strategy": "roundrobin", "session.timeout.ms": 6000,
    })  # fmt: skip
    consumer.subscribe(["segment-events"])
    wait_until("it is in the group", lambda: consumer.poll(0.2) is not None or bool(consumer.assignment()))
    yield consumer
    consumer.close()


def test_a_stranger_in_the_group_is_said_and_waited_for(fresh_topics, spawn, stranger):
    """A worker says why it can't join, in its log and at /readyz, tries again, and joins once the stranger is gone."""
    fresh_topics(2)
    worker = spawn("worker", env=SHORT)
    wait_until("it says so", lambda: "another program is in this group" in ready(worker).get("problem", ""))
    assert health(worker)[0] == 200
    assert "SEGMENTS_GROUP; trying again" in worker.stderr
    stranger.close()
    wait_until_ready(worker)
    assert "problem" not in ready(worker)
    stop(worker)


@pytest.mark.usefixtures("stranger")
def test_a_worker_that_can_not_join_ends_after_a_limit(fresh_topics, impatient):
    """With the reason, the mend and exit code 1, and health says that it ends."""
    fresh_topics(2)
    worker = impatient()
    assert worker.wait(60) == 1
    assert "another program is in this group" in worker.stderr
    assert "given up after 3 seconds" in worker.stderr
    assert "Traceback" not in worker.stderr


def test_a_refused_session_time_out_is_named(fresh_topics, impatient):
    """A broker that allows no such session time-out: the worker names the setting and the broker's limits, and ends."""
    fresh_topics(2)
    worker = impatient(SEGMENTS_SESSION_TIMEOUT="1900000")
    assert worker.wait(60) == 1
    assert "the broker allows no such SEGMENTS_SESSION_TIMEOUT" in worker.stderr
    assert "group.max.session.timeout.ms" in worker.stderr
    assert "Traceback" not in worker.stderr


def test_two_workers_of_one_name(fresh_topics, spawn):
    """The later one does not start while the first lives, and says where that answers; the first is not disturbed."""
    fresh_topics(4)
    named = SHORT | {"SEGMENTS_WORKER_NAME": "twin"}
    first = spawn("worker", env=named)
    wait_until_ready(first)
    before = total(scrape(first), "segments_rebalances_total")
    second = spawn("worker", env=named)
    assert second.wait(40) == 1
    where = address_of(first).removeprefix("http://")
    assert f"has the name twin (it answers at {where})" in second.stderr
    assert "SEGMENTS_WORKER_NAME" in second.stderr
    assert total(scrape(first), "segments_rebalances_total") == before
    stop(first)


def test_a_worker_whose_name_was_taken_ends(kafka, environment, fresh_topics, spawn):
    """Paused while another one takes its name, it wakes up, is refused, says the name and ends; the other goes on.

    What refuses it first depends on what it was paused in: the group, or the transaction that the other one fenced.
    """
    fresh_topics(4)
    produce(kafka.address, Shop(seed=2).events(2_000, int(time.time() * 1000) - 30 * DAY, 60_000))
    named = SHORT | {"SEGMENTS_WORKER_NAME": "twin", "SEGMENTS_MAX_BATCH": "5"}
    first = spawn("worker", env=named)
    wait_until_ready(first)
    first.signal(signal.SIGSTOP)
    second = spawn("worker", env=named)
    wait_until_ready(second)
    first.signal(signal.SIGCONT)
    assert first.wait(60) == 1, first.stderr
    assert "another worker of the group" in first.stderr
    assert "has the name twin" in first.stderr
    assert "is not known" not in first.stderr
    wait_until("nothing waits", lambda: behind(kafka.address, environment["SEGMENTS_GROUP"]) == 0)
    assert total(scrape(second), "segments_rebalances_total") <= 3
    stop(second)


def test_partitions_added_under_a_running_worker(kafka, environment, fresh_topics, spawn):
    """Within seconds it takes in nothing more, and /readyz and the log say what was added and what to do."""
    fresh_topics(2)
    worker = spawn("worker", env=SHORT)
    wait_until_ready(worker)
    with kafka.admin() as admin:
        admin.create_partitions({"transactions": 3})
    began = time.monotonic()
    wait_until("it is noticed", lambda: not ready(worker)["ready"], 15)
    assert time.monotonic() - began < 12
    problem = ready(worker)["problem"]
    assert "2 partitions each when this worker started" in problem
    assert "(transactions 3)" in problem
    assert "More partitions" in problem
    assert problem in worker.stderr
    sent = produce(kafka.address, Shop(seed=1).events(50, int(time.time() * 1000), 1))
    time.sleep(3)
    assert behind(kafka.address, environment["SEGMENTS_GROUP"]) == sent
    assert health(worker) == (200, {"alive": True, "stuck": []})
    stop(worker)
