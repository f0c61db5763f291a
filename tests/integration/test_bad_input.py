"""Section 6 of SEMANTICS.md through a real broker: one dead letter for each bad record, neighbours untouched."""

import json
import time
import urllib.request
from dataclasses import dataclass

import pytest
from confluent_kafka import Producer

import schemas
from segments.engine import partition_of
from tests.kit.records import PARTITIONS, click, read_all

HOUR = 3_600_000


@dataclass(frozen=True)
class Bad:
    """A bad record, and the reason that is expected."""

    reason: str
    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None


def transaction(customer, number, at, **more):
    """A transaction as bytes."""
    event = {
        "event_id": f"{customer}-{number}",
        "customer_id": customer,
        "occurred_at": at,
        "kind": "purchase",
    }
    event |= {"order_id": "o", "amount": 100, "currency": "EUR", "channel": None, "items": []}
    return schemas.encode("Transaction", event | more)


def cases(now):
    """Every case of section 4 but those that need a bug in the engine."""
    good = click("bad", 1, now)
    elsewhere = (partition_of(b"bad", PARTITIONS) + 1) % PARTITIONS
    return [
        Bad("undecodable", "clickstream", b"bad", good[:-3]),
        Bad("undecodable", "clickstream", b"bad", good + b"!"),
        Bad("undecodable", "clickstream", b"bad", b""),
        Bad("undecodable", "clickstream", b"bad", None),
        Bad("undecodable", "transactions", b"bad", b"\x01" + good[1:]),
        Bad("unknown_schema", "clickstream", b"bad", good[:1] + b"\x00\x01\x00\x00" + good[5:]),
        Bad("no_key", "clickstream", None, good),
        Bad("key_mismatch", "clickstream", b"other", good),
        Bad("invalid_id", "clickstream", b"x" * 129, click("x" * 129, 1, now)),
        Bad("invalid_id", "clickstream", b"", click("", 1, now)),
        Bad("invalid_id", "clickstream", b"bad", click("bad", 1, now, event_id="")),
        Bad("invalid_amount", "transactions", b"bad", transaction("bad", 2, now, amount=-1)),
        Bad("invalid_amount", "transactions", b"bad", transaction("bad", 3, now, amount=10**12)),
        Bad("unknown_kind", "transactions", b"bad", transaction("bad", 4, now, kind="gift")),
        Bad("from_the_future", "clickstream", b"bad", click("bad", 5, now + HOUR)),
        Bad("wrong_partition", "clickstream", b"bad", good, elsewhere),
        Bad("invalid_id", "profiles", b"\xff\xfe", None),
    ]


def wait_until(done, seconds=60):
    """Wait for something to be true."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)


@pytest.mark.timeout(240)
def test_each_bad_record_is_one_dead_letter_and_neighbours_are_not_affected(kafka, fresh_topics, spawn, run):
    """Key and value byte for byte, the same partition, the reason counted; the neighbour's segments come all the same."""
    fresh_topics(PARTITIONS)
    now = int(time.time() * 1000)
    bad = cases(now)
    producer = Producer({"bootstrap.servers": kafka.address, "partitioner": "murmur2_random"})
    for number, each in enumerate(bad):
        at = {} if each.partition is None else {"partition": each.partition}
        producer.produce(each.topic, each.value, each.key, **at)
        neighbour = f"neighbour-{number % 3}"
        producer.produce(
            "clickstream", click(neighbour, number, now - (30 - number) * HOUR), neighbour.encode()
        )
    producer.flush()
    worker = spawn("worker")
    wait_until(lambda: len(read_all(kafka.address, "dead-letters")) >= len(bad))
    letters = read_all(kafka.address, "dead-letters")
    told = [dict(letter.headers()) for letter in letters]
    expected = sorted((each.reason, each.key or b"", each.value or b"") for each in bad)
    assert sorted((header["reason"].decode(), letter.key() or b"", letter.value() or b"")
                  for header, letter in zip(told, letters, strict=True)) == expected  # fmt: skip
    for header, letter in zip(told, letters, strict=True):
        assert int(header["partition"]) == letter.partition()
        assert header["topic"].decode() in {"clickstream", "transactions", "profiles"}
        assert header["error"]
        assert int(header["offset"]) >= 0
    url = next(
        word
        for line in worker.stderr.splitlines()
        if "/metrics" in line
        for word in line.split()
        if "http" in word
    )
    wait_until(lambda: consumed(url) == 2 * len(bad))
    assert accounted(url) == {
        "applied": len(bad),
        "duplicate": 0,
        "ignored": 0,
        "forwarded": 0,
        "dead_letter": len(bad),
    }
    events = [
        json.loads(line)
        for line in run("consume", "segment-events", "--from-beginning", "--until-end").stdout.splitlines()
    ]
    assert {event["customer_id"] for event in events} == {f"neighbour-{number}" for number in range(3)}
    assert worker.process.poll() is None


def metrics(url):
    """The samples of a scrape."""
    with urllib.request.urlopen(url) as response:
        lines = response.read().decode().splitlines()
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")
    }


def consumed(url):
    """Records consumed, over all topics."""
    return sum(
        value for name, value in metrics(url).items() if name.startswith("segments_records_consumed_total")
    )


def accounted(url):
    """Records by outcome, over all topics: every record consumed has exactly one."""
    found = {}
    for name, value in metrics(url).items():
        if name.startswith("segments_records_total"):
            outcome = name.partition('outcome="')[2].partition('"')[0]
            found[outcome] = found.get(outcome, 0) + value
    return found
