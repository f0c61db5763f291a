"""One worker over a real Kafka: what it writes, what it tells, and what it does when something is wrong."""

import re
import shutil
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer
from kafka import TopicPartition

import schemas
from segments.engine import INPUTS
from tests.integration.worker_control import (
    address_of,
    ready,
    scrape,
    stop,
    total,
    wait_until,
    wait_until_ready,
)
from tests.integration.worker_log import (
    DAY,
    EVENT_CLOCK,
    Shop,
    actual,
    assert_same,
    expected,
    now,
    produce,
    read,
    send,
    wait_until_caught_up,
)

LETTER_HEADERS = {"reason", "error", "topic", "partition", "offset"}


@pytest.fixture
def group(environment) -> str:
    """The group of the workers of this test."""
    return environment["SEGMENTS_GROUP"]


@pytest.mark.timeout(120)
def test_every_record_consumed_is_accounted_for(kafka, fresh_topics, spawn, group) -> None:
    """Scraped: consumed = applied + duplicate + ignored + dead letters, in each topic and as Kafka has them."""
    fresh_topics(2)
    shop = Shop(seed=2)
    events = list(shop.events(3_000, now() - 30 * DAY, 60_000))
    sent = produce(kafka.address, events + events[-200:])
    old = {"event_id": "old", "customer_id": "c1", "occurred_at": now() - 3000 * DAY}
    click = next(event for topic, _, event in events if topic == "clickstream")
    sent += produce(kafka.address, [("clickstream", "c1", click | old)])
    send(kafka.address, [("clickstream", b"not avro", b"c1"), ("transactions", None, b"c2")])
    worker = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    wait_until("all is counted", lambda: total(scrape(worker), "segments_records_consumed_total") == sent + 2)
    metrics = scrape(worker)
    for topic in INPUTS:
        consumed = metrics[f'segments_records_consumed_total{{topic="{topic}"}}']
        assert consumed == len(read(kafka.address, topic))
        outcomes = [v for k, v in metrics.items() if k.startswith("segments_records_total") and topic in k]
        assert consumed == sum(outcomes)
    assert metrics['segments_records_total{outcome="ignored",topic="clickstream"}'] == 1
    assert metrics['segments_records_total{outcome="duplicate",topic="clickstream"}'] > 50
    assert total(metrics, "segments_dead_letters_total") == 2
    assert total(metrics, "segments_consumer_lag_records") == 0
    assert total(metrics, "segments_flips_total") == len(read(kafka.address, "segment-events"))
    stop(worker)


@pytest.mark.timeout(120)
def test_a_dead_letter_is_the_record_as_it_came(kafka, fresh_topics, spawn, group) -> None:
    """Key and value byte for byte, in the same partition, with five headers; its neighbours are not affected."""
    fresh_topics(3)
    shop = Shop(seed=4, customers=20)
    produce(kafka.address, shop.events(100, now() - DAY, 1000))
    bad = [
        ("clickstream", b"\x00\x00\x00\x00\xffx", b"c1"),
        ("transactions", None, b"c2"),
        ("clickstream", b"", b""),
    ]
    send(kafka.address, bad, partition=1)
    produce(kafka.address, shop.events(100, now() - DAY + 200_000, 1000))
    worker = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    stop(worker)
    letters = read(kafka.address, "dead-letters")
    assert sorted((each.value, each.key) for each in letters if each.value) == [(bad[0][1], b"c1")]
    assert {each.partition for each in letters} == {1}
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        assert headers.keys() == LETTER_HEADERS
        assert headers["partition"] == "1"
        source = next(
            each for each in read(kafka.address, headers["topic"])
            if (each.partition, each.offset) == (1, int(headers["offset"]))
        )  # fmt: skip
        assert (source.key, source.value) == (letter.key, letter.value)
    assert len(letters) == 3
    assert_same(expected(kafka.address), actual(kafka.address))


@pytest.mark.timeout(120)
def test_a_segment_event_carries_the_headers_of_cloudevents(kafka, fresh_topics, spawn, group) -> None:
    """Whoever filters by header needs no schema; key, partition and time of emission are as promised."""
    fresh_topics(4)
    began = now()
    produce(kafka.address, Shop(seed=6, customers=50).events(1000, began - 20 * DAY, 60_000))
    worker = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    stop(worker)
    inputs = {each.key: each.partition for each in read(kafka.address, "clickstream")}
    events = read(kafka.address, "segment-events")
    assert events
    for each in events:
        event = schemas.decode(schemas.SEGMENT_EVENT, each.value)
        of_value = {} if event["value"] is None else {"ce_value": event["value"].encode()}
        assert event["arm"] is None
        assert dict(each.headers) == of_value | {
            "ce_specversion": b"1.0",
            "ce_id": event["event_id"].encode(),
            "ce_source": f"/segments/{group}".encode(),
            "ce_type": f"segment.{event['transition']}".encode(),
            "ce_time": schemas.to_iso(event["occurred_at"]).encode(),
            "ce_subject": event["customer_id"].encode(),
            "ce_segment": event["segment"].encode(),
            "ce_transition": event["transition"].encode(),
            "content-type": b"application/avro",
        }
        assert each.key == event["customer_id"].encode()
        assert each.partition == inputs.get(each.key, each.partition)
        assert began <= event["emitted_at"] <= now()


@pytest.mark.timeout(120)
def test_memberships_are_what_the_events_add_up_to(kafka, fresh_topics, spawn, group) -> None:
    """The last membership of each customer holds the segments entered and not left, and is null after an erasure."""
    fresh_topics(2)
    shop = Shop(seed=8, customers=40)
    produce(kafka.address, shop.events(2000, now() - 20 * DAY, 60_000))
    produce(kafka.address, [("profiles", "c3", None)])
    worker = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    stop(worker)
    members: dict[str, set[str]] = {}
    for customer, events in actual(kafka.address).items():
        held = members.setdefault(customer, set())
        for number, event in enumerate(events, 1):
            assert event["sequence"] == number
            change = held.add if event["transition"] == "enter" else held.remove
            change(event["segment"])
    last = {each.key.decode(): each.value for each in read(kafka.address, "segment-memberships")}
    assert last["c3"] is None
    assert members["c3"] == set()
    for customer, value in last.items():
        if value is not None:
            segments = schemas.decode(schemas.SEGMENT_MEMBERSHIPS, value)["segments"]
            assert {each["segment"] for each in segments} == members[customer]


@pytest.mark.timeout(120)
def test_transactions_of_producers_do_not_hold_it_up(kafka, fresh_topics, spawn, group) -> None:
    """Markers at the end of an input, and records of an aborted transaction, don't keep it from being caught up."""
    fresh_topics(1)
    shop = Shop(seed=9, customers=10, shares=(1.0, 1.0))
    produce(kafka.address, shop.events(50, now() - DAY, 1000))
    for last in ("commit", "abort"):
        producer = Producer(
            {"bootstrap.servers": kafka.address, "transactional.id": f"shop-{last}", "log_level": 0}
        )
        producer.init_transactions(10)
        producer.begin_transaction()
        for topic in ("transactions", "profiles"):
            for _, customer, event in Shop(seed=10, customers=10, shares=(0, 1)).events(
                20, now() - DAY, 1000
            ):
                renamed = event | {"event_id": f"{last}-{event['event_id']}"}
                if topic == "transactions":
                    producer.produce(topic, schemas.encode("Transaction", renamed), customer.encode())
                else:
                    producer.produce(topic, None, f"gone-{customer}".encode())
        producer.flush(10)
        producer.commit_transaction(10) if last == "commit" else producer.abort_transaction(10)
    worker = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    wait_until("all is counted", lambda: total(scrape(worker), "segments_records_consumed_total") == 50 + 40)
    produce(kafka.address, shop.events(1, now() - DAY + 100_000, 1000))
    wait_until("one more", lambda: total(scrape(worker), "segments_records_consumed_total") == 91, 20)
    stop(worker)


@pytest.mark.timeout(120)
def test_records_deleted_before_they_were_read_are_told(kafka, fresh_topics, spawn, group) -> None:
    """If retention was faster than the worker, it says so, counts it, and goes on with what is there."""
    fresh_topics(1)
    shop = Shop(seed=11, customers=10, shares=(1.0, 1.0))
    produce(kafka.address, shop.events(100, now() - DAY, 1000))
    first = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    stop(first)
    produce(kafka.address, shop.events(100, now() - DAY + 200_000, 1000))
    with kafka.admin() as admin:
        admin.delete_records({TopicPartition("clickstream", 0): 150})
    second = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    wait_until("counted", lambda: total(scrape(second), "segments_records_consumed_total") == 50)
    assert total(scrape(second), "segments_lost_ranges_total") == 1
    assert "expected to go on at offset 100, but the topic holds 150 to 200" in second.stderr
    stop(second)


@pytest.mark.timeout(120)
def test_rocksdb_reads_only_what_was_committed_since(kafka, environment, fresh_topics, spawn, group) -> None:
    """A worker that comes back with its state directory restores nothing; with a foreign one, everything."""
    fresh_topics(2)
    settings = {**EVENT_CLOCK, "SEGMENTS_STORE": "rocksdb", "SEGMENTS_WORKER_NAME": "a"}
    produce(kafka.address, Shop(seed=12).events(2000, now() - 20 * DAY, 60_000))
    first = spawn("worker", env=settings)
    wait_until_caught_up(kafka.address, group)
    stop(first)
    assert restored(first) == [0, 0]
    second = spawn("worker", env=settings)
    wait_until_ready(second)
    stop(second)
    assert restored(second) == [0, 0]
    state = Path(environment["SEGMENTS_DATA_DIR"]) / "state" / "a"
    folders = sorted(state.iterdir())
    shutil.rmtree(folders[1])
    shutil.copytree(folders[0], folders[1])
    third = spawn("worker", env=settings)
    wait_until_ready(third)
    stop(third)
    assert "wiped" in third.stderr
    assert sorted(map(bool, restored(third))) == [False, True]


def restored(worker) -> list[int]:
    """Return how many records each partition restored, as the log tells; nothing is told of none."""
    counts = [int(count) for count in re.findall(r"restored (\d+) records", worker.stderr)]
    return counts + [0] * (2 - len(counts))


@pytest.mark.timeout(240)
def test_a_broker_that_is_away_is_waited_for(own_broker, environment, spawn, run) -> None:
    """At the start and in the middle of the work: it says so, waits, and then goes on as if nothing had happened."""
    address = own_broker.start()
    settings = {**EVENT_CLOCK, "SEGMENTS_BROKERS": address}
    assert run("topics", "create", "--partitions", "2", env=settings).returncode == 0
    own_broker.stop()
    worker = spawn("worker", env=settings)
    wait_until("it says that it waits", lambda: "waiting for it" in worker.stderr)
    own_broker.start()
    wait_until_ready(worker, 90)
    shop = Shop(seed=14, shares=(1.0, 1.0))
    produce(address, shop.events(500, now() - 20 * DAY, 60_000))
    wait_until("something is committed", lambda: total(scrape(worker), "segments_commits_total") > 2)
    own_broker.kill()
    time.sleep(3)
    own_broker.start()
    produce(address, shop.events(500, now() - 10 * DAY, 60_000))
    wait_until_caught_up(address, environment["SEGMENTS_GROUP"], 90)
    wait_until_ready(worker, 60)
    stop(worker)
    assert "Traceback" not in worker.stderr
    assert_same(expected(address), actual(address))


@pytest.mark.timeout(120)
def test_it_stops_gently_and_soon(kafka, fresh_topics, spawn, group) -> None:
    """SIGTERM: what is applied is committed, the group is left, exit code 0 within seconds."""
    fresh_topics(4)
    worker = spawn("worker", env=EVENT_CLOCK)
    wait_until_ready(worker)
    assert ready(worker) == {"ready": True, "assigned": True, "restoring": []}
    assert address_of(worker)
    began = time.monotonic()
    stop(worker)
    assert time.monotonic() - began < 10
    with kafka.admin() as admin:
        described = admin.describe_groups([group])
    assert not str(described).count("client_host='/")
