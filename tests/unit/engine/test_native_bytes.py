"""A partition driven by bytes does what it does when it is driven by records, and its transaction has all of it."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords

import schemas
from segments.engine import INPUTS, Record, Refusal, _native
from segments.language.loading.load import load
from segments.language.nodes.order import in_order
from segments.plan.lowering import lower
from tests.benchmarks.load import Load
from tests.unit.repository import ROOT
from tests.unit.wire_batches import APPEND_TIME, batch, known, runs

UNTIL = 1_795_000_000_000
NOW = UNTIL + 5
RULES = _native.Rules(lower(in_order(load([ROOT / "segments"])), "EUR").to_bytes())
KNOWN = known()

Pair = tuple[bytes, bytes | None]


def log(events: int) -> dict[str, list[Pair]]:
    """Keys and values by topic: the standard load, profiles and an erasure."""
    found: dict[str, list[Pair]] = {topic: [] for topic in INPUTS}
    for topic, key, value in Load(events=events, customers=300).records(UNTIL):
        found[topic].append((key, value))
    profile = {"event_id": "p-1", "occurred_at": UNTIL - 9, "attributes": {}, "consents": {"marketing": True}}
    for key in sorted({key for key, _ in found["clickstream"]})[:20]:
        value = schemas.encode("Profile", {**profile, "customer_id": key.decode()})
        found["profiles"] += [(key, value), (key, None)]
    return found


def fetched(pairs: list[Pair]) -> bytes:
    """Batches of these records, all with one Kafka timestamp."""
    parts = (
        batch(pairs[start : start + 100], base=start, timestamps=[UNTIL] * 100, attributes=APPEND_TIME)
        for start in range(0, len(pairs), 100)
    )
    return b"".join(parts)


def made(states: Any) -> _native.Partition:
    """A partition that reads everything from the beginning."""
    partition = _native.Partition(RULES, 0, 1, 2_000, (10_000, 1 << 20), states, None, None, [])
    for topic in range(len(INPUTS)):
        partition.begin(topic, 0)
    return partition


def decided(partition: _native.Partition, ends: dict[str, int]) -> None:
    """Apply all that waits."""
    partition.confirm([ends[topic] for topic in INPUTS], partition.stamp, None)
    while partition.advance(1_000):
        pass


def by_records(pairs: dict[str, list[Pair]]) -> dict[str, Any]:
    """What a partition does with records that Python decoded."""
    partition = made(_native.States())
    for number, topic in enumerate(INPUTS):
        records = [record_of(topic, offset, *pair) for offset, pair in enumerate(pairs[topic])]
        assert partition.offer(number, 0, records, len(records)) is None
    decided(partition, {topic: len(each) for topic, each in pairs.items()})
    found = partition.collect_effects()
    assert found is not None
    return found


def record_of(topic: str, offset: int, key: bytes, value: bytes | None) -> Record:
    """A record as the Python codec decodes it."""
    event: Any = None
    if value is not None:
        try:
            event = schemas.decode(schemas.RECORD_OF_TOPIC[topic], value)
        except schemas.DecodeError as error:
            event = Refusal(error.reason, error.message)
    return Record(topic, offset, UNTIL, key, value, event)


def by_bytes(pairs: dict[str, list[Pair]], states: _native.States) -> tuple[_native.Transaction, list[Any]]:
    """The transaction that a partition makes of fetched batches, and what each run held."""
    partition, held = made(states), []
    for number, topic in enumerate(INPUTS):
        for run in runs(fetched(pairs[topic]), most=500):
            missing, accepted = _native.offer_fetched(partition, number, run, KNOWN)
            assert missing is None
            held.append((topic, accepted))
    decided(partition, {topic: len(each) for topic, each in pairs.items()})
    transaction = _native.Outbox(
        "shop", 0, *map(schemas.written_id, ("SegmentEvent", "SegmentMemberships", "SegmentOutcome"))
    ).collect(partition, NOW)
    assert transaction is not None
    return transaction, held


def records_in(batches: list[_native.Batch]) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    """Key, value and headers of each record."""
    found = []
    for each in batches:
        each._set_producer_state(1, 0, 0)
        memory = MemoryRecords(each._build())
        found += [(row.key, row.value, dict(row.headers)) for row in memory.next_batch()]
    return found


def test_bytes_and_records_give_the_same() -> None:
    """Flips, memberships, dead letters, states, offsets and counts, of a few thousand events of the standard load."""
    pairs = log(4_000)
    plain = by_records(pairs)
    states = _native.States()
    transaction, _ = by_bytes(pairs, states)
    flips, memberships, _, letters, changelog = map(records_in, transaction.batches())
    events = [{**event, "emitted_at": NOW} for _, event in plain["segment_events"]]
    assert len(events) > 300
    assert [value for _, value, _ in flips] == [schemas.encode("SegmentEvent", event) for event in events]
    assert [headers["ce_id"].decode() for _, _, headers in flips] == [event["event_id"] for event in events]
    assert [(key, value) for key, value, _ in memberships] == [
        (key, None if each is None else schemas.encode("SegmentMemberships", each))
        for key, each in plain["memberships"]
    ]
    assert [(key, value, headers["reason"], headers["error"]) for key, value, headers in letters] == [
        (key, value, reason.encode(), error.encode())
        for _, _, _, key, value, reason, error, _ in plain["dead_letters"]
    ]
    assert {key: value for key, value, _ in changelog} == dict(plain["states"])
    assert transaction.offsets == plain["offsets"]
    assert transaction.outcomes == dict(plain["outcomes"])
    assert dict(transaction.states) == dict(plain["states"])
    assert sum(transaction.flips.values()) == len(events)
    assert sum(transaction.reasons.values()) == len(letters) > 0
    transaction.apply_to(states)
    assert dict(states.items()) == {key: value for key, value in plain["states"].items() if value is not None}
    assert transaction.batches() == ([], [], [], [], [])


def test_what_a_run_held_is_told() -> None:
    """Offsets, timestamps and kinds, for counting and for latencies."""
    pairs = log(1_500)
    _, held = by_bytes(pairs, _native.States())
    of_clicks = [accepted for topic, accepted in held if topic == "clickstream"]
    assert sum(map(len, of_clicks)) == len(pairs["clickstream"])
    first = of_clicks[0]
    assert first.last == len(first) - 1
    assert (first.timestamp_of(3), first.timestamp_of(10_000)) == (UNTIL, None)
    assert (first.timestamp_from(-5), first.timestamp_from(10_000)) == (UNTIL, None)
    assert (first.count(2, 7), first.count(7, 2), first.count(len(first) - 1, 10_000)) == (5, 0, 1)
    assert [offset for offset, _ in first.between(2, 5)] == [2, 3, 4]
    assert first.kinds()["page_view"] == UNTIL
    assert first.last_timestamp == UNTIL


def test_a_run_that_skips_something_is_fetched_again() -> None:
    """The offset that is expected; a run that was seen already is passed over."""
    partition, profiles = made(_native.States()), INPUTS.index("profiles")
    raw = fetched([(b"anna", None)] * 10)
    (run,) = runs(raw, 5)
    assert _native.offer_fetched(partition, profiles, run, KNOWN)[0] == 0
    (run,) = runs(raw)
    missing, accepted = _native.offer_fetched(partition, profiles, run, KNOWN)
    assert (missing, len(accepted), len(run)) == (None, 10, 0)
    untouched = _native.Partition(RULES, 0, 1, 2_000, (10_000, 1 << 20), _native.States(), None, None, [])
    (run,) = runs(raw)
    with pytest.raises(LookupError, match=r"profiles: begin\(\) was not called"):
        _native.offer_fetched(untouched, profiles, run, KNOWN)


def test_threads_do_not_change_the_output() -> None:
    """Four partitions on four threads at once do what they do one after the other."""
    chance = random.Random(5)
    logs = [log(chance.randrange(500, 1_500)) for _ in range(4)]

    def transaction(pairs: dict[str, list[Pair]]) -> list[list[Any]]:
        return [records_in(batches) for batches in by_bytes(pairs, _native.States())[0].batches()]

    with ThreadPoolExecutor(4) as pool:
        beside = list(pool.map(transaction, logs))
    assert beside == [transaction(pairs) for pairs in logs]
