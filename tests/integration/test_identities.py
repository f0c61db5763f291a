"""Two ids that become one customer, over a real Kafka: in partitions of their own, through kills between the halves."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from segments.engine import IDENTITIES, INPUTS, partition_of
from tests.integration.worker_control import scrape, stop, wait_until, wait_until_ready
from tests.integration.worker_log import wait_until_caught_up

HOUR = 3_600_000
DAY = 24 * HOUR
ANNA = "anna"
VISITOR = next(
    f"anon-{n}" for n in range(99) if partition_of(f"anon-{n}".encode(), 2) != partition_of(b"anna", 2)
)
SCRIPT = Path(__file__).with_name("worker_linking.py")
ROOT = Path(__file__).parents[2]
SETTINGS = {"SEGMENTS_CLOCK": "event", "SEGMENTS_SESSION_TIMEOUT": "6000"}
ALL_INPUTS = tuple(sorted((*INPUTS, IDENTITIES)))


def _lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def _view(at, customer):
    return {"event_id": f"{customer}@{at}", "customer_id": customer, "occurred_at": at, "kind": "page_view"}


def _login(address, at, customer, into):
    """Wire a login as the page for whoever does that says."""
    page = (ROOT / "deploy" / "identities.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    wired = {}
    exec(program.replace("localhost:9092", address).replace("schemas/", f"{ROOT}/schemas/"), wired)
    wired["logged_in"]("login", customer, into, at)


def _read(run, topic):
    answer = run("consume", topic, "--from-beginning", "--until-end")
    return [json.loads(line) for line in answer.stdout.splitlines()]


def _plain(flips):
    """Flips by customer, without what differs from run to run.

    Of the two nulls of an erasure, each in its own partition, a worker may read either first: that one is the cause.
    """
    always = {"emitted_at", "topic", "partition", "offset", "timestamp"}
    by_a_null = always | {"event_id", "occurred_at", "cause"}
    plain = [
        {
            name: value
            for name, value in flip.items()
            if name not in (by_a_null if flip["reason"] == "erasure" else always)
        }
        for flip in flips
    ]
    return sorted(plain, key=lambda flip: (flip["customer_id"], flip["sequence"]))


def _left(kafka, topic):
    """Records of a topic that were not deleted."""
    with KafkaConsumer(bootstrap_servers=kafka.address) as consumer:
        places = [TopicPartition(topic, number) for number in range(2)]
        starts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
    return sum(ends[each] - starts[each] for each in places), sum(ends.values())


def _killed(moment, environment, log):
    """How a worker ended that is to be killed at a moment."""
    with log.open("wb") as errors:
        command = [sys.executable, SCRIPT, moment]
        try:
            return subprocess.run(command, env=environment, stderr=errors, timeout=40, check=False).returncode
        except subprocess.TimeoutExpired:
            return log.read_text()


@pytest.mark.timeout(240)
def test_a_login_merges_the_visits_of_before_through_kills_between_the_halves(
    kafka, environment, fresh_topics, run, spawn, tmp_path
):
    """Visits of two ids in two partitions count together; each kill amid or behind the first half changes nothing."""
    fresh_topics(2)
    now = int(time.time() * 1000) - 4 * DAY
    run("produce", "clickstream", stdin=_lines(_view(now, VISITOR), _view(now + HOUR, VISITOR)))
    _login(kafka.address, now + DAY, VISITOR, ANNA)
    for moment in ("before", "after"):
        assert _killed(moment, {**environment, **SETTINGS}, tmp_path / moment) == -9
    worker = spawn("worker", env=SETTINGS)
    wait_until_ready(worker)
    run("produce", "clickstream", stdin=_lines(_view(now + 2 * DAY, VISITOR)))
    wait_until("entered", lambda: len(_read(run, "segment-events")) >= 1)
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
    transfers = f"{environment['SEGMENTS_GROUP']}-transfers"
    wait_until("the transfers are deleted", lambda: _left(kafka, transfers)[0] <= 2)
    assert _left(kafka, transfers)[1] >= 2
    told = json.loads(run("why", VISITOR, "three_visits_without_conversion", "--json").stdout)
    assert (told["customer_id"], told["redirected_from"], told["segments"][0]["inside"]) == (
        ANNA,
        [VISITOR],
        True,
    )
    assert f"{VISITOR} by the link login" in run("identities", ANNA).stdout
    exported = json.loads(run("export", ANNA).stdout)
    assert (exported["ids"], len(exported["topics"]["clickstream"])) == ([ANNA, VISITOR], 3)
    assert run("erase", VISITOR).stderr.count("a null was written") == 2
    wait_until("erased", lambda: len(_read(run, "segment-events")) >= 2)
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
    found = _read(run, "segment-events")
    metrics = scrape(worker)
    stop(worker)
    alone = json.loads(run("export", ANNA).stdout)
    assert (alone["ids"], [each["into"] for each in alone["topics"]["identities"]]) == ([ANNA], [ANNA])
    assert [(flip["customer_id"], flip["segment"], flip["reason"]) for flip in found] == [
        (ANNA, "three_visits_without_conversion", "event"),
        (ANNA, "three_visits_without_conversion", "erasure"),
    ]
    assert metrics['segments_transfers_total{kind="erasure"}'] >= 1
    assert metrics['segments_records_total{outcome="forwarded",topic="clickstream"}'] == 1
    log = [line for topic in ALL_INPUTS for line in _read(run, topic)]
    (tmp_path / "log.jsonl").write_text(_lines(*log))
    replayed = run("replay", str(tmp_path / "log.jsonl"), "--partitions", "2", env=SETTINGS)
    assert replayed.returncode == 0, replayed.stderr
    assert _plain(map(json.loads, replayed.stdout.splitlines())) == _plain(found)
