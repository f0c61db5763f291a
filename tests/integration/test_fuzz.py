"""Ten thousand broken records through real topics: each is applied or a dead letter, and nobody else notices."""

import time
from collections import Counter

import pytest

from segments.engine import INPUTS
from tests.integration.broken_records import DAY, Breaker
from tests.integration.worker_control import scrape, stop, total, wait_until
from tests.integration.worker_log import actual, assert_same, expected, read, send
from tests.integration.worker_log import wait_until_caught_up as wait_until_committed
from tests.kit.records import click

COUNT = 10_000
NEIGHBOURS = 60


@pytest.mark.timeout(150)
def test_every_broken_record_is_accounted_for(kafka, fresh_topics, spawn):
    """The worker lives, its counts add up, each dead letter is its record byte for byte, and the neighbours' flips come."""
    fresh_topics(4)
    now = int(time.time() * 1000)
    records = list(Breaker(now).records(COUNT))
    for number in range(3 * NEIGHBOURS):
        customer, day = f"neighbour-{number % NEIGHBOURS}", number // NEIGHBOURS
        good = click(customer, number, now - (4 - day) * DAY)
        records.insert(number * COUNT // (3 * NEIGHBOURS), ("clickstream", customer.encode(), good))
    send(kafka.address, ((topic, value, key) for topic, key, value in records))
    worker = spawn("worker", env={"SEGMENTS_CLOCK": "event"})
    wait_until_committed(kafka.address, worker.environment["SEGMENTS_GROUP"], 90)

    came = {
        (each.topic, each.partition, each.offset): each
        for topic in INPUTS
        for each in read(kafka.address, topic)
    }
    assert len(came) == len(records)
    wait_until("all counted", lambda: total(scrape(worker), "segments_records_consumed_total") == len(came))
    counts = scrape(worker)
    outcomes = Counter(
        {outcome: of(counts, outcome) for outcome in ("applied", "duplicate", "ignored", "dead_letter")}
    )
    assert outcomes.total() == len(came), outcomes
    letters = read(kafka.address, "dead-letters")
    assert len(letters) == outcomes["dead_letter"] == total(counts, "segments_dead_letters_total")
    assert len(letters) > COUNT * 0.8
    for letter in letters:
        told = {name: value.decode() for name, value in letter.headers}
        record = came.pop((told["topic"], int(told["partition"]), int(told["offset"])))
        assert (letter.key, letter.value, letter.partition) == (record.key, record.value, record.partition)
        assert told["reason"] != "engine_error", told
    flips = actual(kafka.address)
    assert_same(expected(kafka.address), flips)
    entered = [event for name, events in flips.items() if name.startswith("neighbour") for event in events]
    assert [event["segment"] for event in entered] == ["three_visits_without_conversion"] * NEIGHBOURS
    assert worker.process.poll() is None
    stop(worker)


def of(counts, outcome):
    """Records with an outcome, over all topics."""
    return sum(value for name, value in counts.items() if f'outcome="{outcome}"' in name)
