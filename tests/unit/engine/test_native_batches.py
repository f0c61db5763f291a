"""Record batches in and out of the engine, against aiokafka's readers and builders."""

import random
import struct
from hashlib import sha256
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords

import schemas
from segments.engine import _native
from tests.unit.wire_batches import (
    APPEND_TIME,
    CONTROL,
    EXAMPLES,
    GZIP,
    LZ4,
    SNAPPY,
    TRANSACTIONAL,
    ZSTD,
    Row,
    batch,
    rows,
    runs,
    sealed,
)

CODECS = [0, GZIP, SNAPPY, LZ4, ZSTD]


def drawn(chance: random.Random) -> tuple[bytes, int, int]:
    """Batches of every compression with gaps between and within; where they begin and end."""
    first = base = chance.randrange(10**12)
    raw = b""
    for _ in range(chance.randint(1, 5)):
        count = chance.randint(1, 40)
        pairs = [(drawn_bytes(chance, 200), drawn_bytes(chance, 400)) for _ in range(count)]
        headers = [[("h" * chance.randrange(5), chance.choice([None, b"", b"xyz"]))] for _ in range(count)]
        last = count - 1 + chance.choice([0, 0, 3])
        raw += batch(
            pairs,
            base=base,
            timestamps=[chance.randrange(1, 2 * 10**12) for _ in range(count)],
            headers=headers,
            codec=chance.choice(CODECS),
            attributes=chance.choice([0, APPEND_TIME]),
            last=last,
        )
        base += last + 1 + chance.choice([0, 0, 7])
    return raw, first, base


def drawn_bytes(chance: random.Random, most: int) -> bytes | None:
    """Nothing, no byte, noise, or what compresses well."""
    return chance.choice(
        [None, b"", chance.randbytes(chance.randrange(most)), b"z" * chance.randrange(9 * most)]
    )


def by_aiokafka(raw: bytes) -> list[Row]:
    """The records as aiokafka reads them."""
    found, memory = [], MemoryRecords(raw)
    while memory.has_next():
        found += [(each.offset, each.timestamp, each.key, each.value) for each in memory.next_batch()]
    return found


def test_batches_are_read_as_aiokafka_reads_them() -> None:
    """Every compression, both kinds of timestamps, headers, gaps, a position within a batch, a batch cut off."""
    chance = random.Random(2026)
    for _ in range(300):
        raw, first, end = drawn(chance)
        position = chance.choice([first, chance.randrange(first, end)])
        expected = [row for row in by_aiokafka(raw) if row[0] >= position]
        assert rows(raw + raw[: chance.randrange(60)], position) == expected


def test_runs_cover_every_offset() -> None:
    """Each run begins where the one before ended, however small they are asked for."""
    raw, first, _ = drawn(random.Random(7))
    for most in (1, 10, 1_000):
        found = runs(raw, first, most=most)
        assert [run.start for run in found] == [first, *(run.end for run in found[:-1])]
        assert [row for run in found for row in run.raw()] == by_aiokafka(raw)


def marker(base: int, producer: int, kind: int) -> bytes:
    """The control batch that ends a transaction: 0 aborts, 1 commits."""
    pair = (struct.pack(">hh", 0, kind), b"\x00" * 6)
    return batch([pair], base=base, producer=producer, attributes=TRANSACTIONAL | CONTROL)


def test_aborted_transactions_are_passed_over() -> None:
    """Only what was committed is read; the offsets of the rest and of the markers are covered."""

    def of(base: int, producer: int, *, attributes: int = TRANSACTIONAL) -> bytes:
        return batch([(b"k", f"{base}".encode())], base=base, producer=producer, attributes=attributes)

    raw = of(0, 1) + of(1, 2) + of(2, -1, attributes=0) + marker(3, 1, 0) + marker(4, 2, 1) + of(5, 1)
    raw += marker(6, 1, 1) + of(7, 2) + of(8, 1) + marker(9, 2, 0) + marker(10, 1, 1)
    found = runs(raw, 0, [(2, 7), (1, 0)])
    assert [row[0] for run in found for row in run.raw()] == [1, 2, 5, 8]
    assert found[-1].end == 11
    assert [row[0] for row in rows(raw)] == [0, 1, 2, 5, 7, 8]


def test_what_is_no_batch_of_today_is_refused() -> None:
    """A wrong checksum, which another fetch may mend, and the formats of Kafka before 0.11."""
    raw = bytearray(batch([(b"k", b"v")]))
    raw[-1] ^= 1
    with pytest.raises(ValueError, match="checksum of the batch at offset 0 is wrong"):
        runs(bytes(raw))
    raw[16] = 1
    with pytest.raises(ValueError, match=r"message format 1, of Kafka before 0\.11"):
        runs(bytes(raw))
    good = batch([(b"k", b"v")])
    fetch = _native.Fetch(good + bytes(raw), 0)
    assert fetch.next_run(9) is not None  # what comes before it is read first
    with pytest.raises(ValueError, match="message format"):
        fetch.next_run(9)


@pytest.mark.parametrize("codec", [5, 7])
def test_a_batch_that_can_not_be_read_is_one_refused_record(codec: int) -> None:
    """No other fetch would bring another one, so its neighbours go on after it."""
    odd = bytearray(batch([(b"k", b"v")] * 3, base=4))
    odd[22] |= codec
    raw = batch([(b"a", b"1")] * 4) + sealed(odd) + batch([(b"b", b"2")], base=7)
    found = runs(raw)
    assert [row[0] for run in found for row in run.raw()] == [0, 1, 2, 3, 4, 7]
    event = _native.Schemas().decode("Click", found[0])[4][4]
    assert isinstance(event, tuple)
    assert event[0] == "undecodable"
    assert f"can't be read from offset 4 to its end, 6: the compression {codec} is not known" in event[1]


def test_no_batch_is_held_as_a_whole() -> None:
    """A batch that expands to 40 MB comes in runs of about 16 MB."""
    raw = batch([(b"k", bytes(100_000))] * 400, codec=ZSTD)
    assert len(raw) < 100_000
    found = runs(raw)
    assert len(found) == 3
    assert max(run.size for run in found) < 17 << 20
    assert sum(len(run) for run in found) == 400


def test_a_record_of_more_than_32_mb_is_cut() -> None:
    """Its first 64 kB and its digest are kept, and the records around it are whole."""
    raw = batch([(b"a", b"1"), (b"long", bytes(33 << 20)), (b"b", b"2")], codec=GZIP)
    found = rows(raw)
    assert [(row[2], len(row[3] or b"")) for row in found] == [(b"a", 1), (b"long", 65_536), (b"b", 1)]


Header = tuple[str, bytes]


def by_builder(records: list[tuple[bytes | None, bytes | None, list[Header]]]) -> list[bytes]:
    """The batches that aiokafka's builder makes of records, in the transaction of producer 7."""
    builders: list[Any] = []
    for key, value, headers in records:
        filled = {"timestamp": 1_795_000_000_000, "key": key, "value": value, "headers": headers}
        if not builders or builders[-1].append(**filled) is None:
            builders.append(BatchBuilder(512 * 1024, 0, is_transactional=1))
            builders[-1].append(**filled)
    return [finished(each) for each in builders]


def finished(batch_: Any) -> bytes:
    """The bytes that a producer sends."""
    batch_._set_producer_state(7, 3, 100)
    return bytes(batch_._build())


def test_states_become_the_batches_of_aiokafka() -> None:
    """Byte for byte, where one batch is full too, and a record that is longer than a batch."""
    chance = random.Random(3)
    states = [(chance.randbytes(12), chance.choice([None, chance.randbytes(3_000)])) for _ in range(600)]
    states.insert(300, (b"long", chance.randbytes(700_000)))
    encoder = _native.Encoder("shop", 2, 4, 5, 7)
    for key, state in states:
        encoder.state(1_795_000_000_000, key, state)
    batches = encoder.collect()[4]
    assert [each.record_count() for each in batches].count(1) == 1
    made = [finished(each) for each in batches]
    assert made == by_builder([(key, state, []) for key, state in states])
    assert [(row[2], row[3]) for each in made for row in by_aiokafka(each)] == states


def test_flips_and_memberships_become_the_records_of_the_outbox() -> None:
    """Values as the schemas write them, the headers of CloudEvents, a null for who was erased."""
    event, held = EXAMPLES["SegmentEvent"], EXAMPLES["SegmentMemberships"]
    other = {
        **event,
        "cause": None,
        "valid_until": 7,
        "occurred_at": 1 << 60,
        "transition": "exit",
        "evidence": [],
        "value": "winter shoes",
        "details": {"products": '["boots-41"]', "spent": "520.00"},
        "arm": "control",
    }
    [stay] = held["segments"]
    inside = {**stay, "value": "winter shoes", "details": {"spent": "520.00"}, "arm": "treated"}
    held = {**held, "segments": [stay, inside]}
    now = 1_795_000_000_000
    encoder = _native.Encoder("shop", 2, *map(schemas.written_id, WRITTEN))
    for each in (event, other):
        encoder.segment_event({**each, "emitted_at": now})
    encoder.memberships(now, "anna", held)
    encoder.memberships(now, "anna", None)
    made = [[finished(each) for each in batches] for batches in encoder.collect()]
    key = event["customer_id"].encode()
    flips = [
        (key, schemas.encode("SegmentEvent", {**each, "emitted_at": now}), cloud_event(each))
        for each in (event, other)
    ]
    memberships = [(b"anna", schemas.encode("SegmentMemberships", held), []), (b"anna", None, [])]
    assert made == [by_builder(flips), by_builder(memberships), [], [], []]


def test_outcomes_become_records() -> None:
    """Values as the schema writes them, whatever is null and however large the revenue; a header for each filter."""
    told = EXAMPLES["SegmentOutcome"]
    bare = dict.fromkeys(("value", "arm", "experiment", "control", "first_goal_at", "revenue"))
    sums = (0, 127, 128, -128, -129, 32_767, 32_768, 10**30, -(10**30))
    outcomes = [told, {**told, **bare, "kind": "matured"}, *({**told, "revenue": each} for each in sums)]
    encoder, now = _native.Encoder("shop", 2, *map(schemas.written_id, WRITTEN)), 1_795_000_000_000
    for each in outcomes:
        encoder.segment_outcome({**each, "emitted_at": now})
    made = [finished(each) for each in encoder.collect()[2]]
    key = told["customer_id"].encode()
    expected = [
        (key, schemas.encode("SegmentOutcome", {**each, "emitted_at": now}), outcome_headers(each))
        for each in outcomes
    ]
    assert made == by_builder(expected)


WRITTEN = ("SegmentEvent", "SegmentMemberships", "SegmentOutcome")


def outcome_headers(outcome: dict[str, Any]) -> list[Header]:
    """The headers of a segment outcome, spelled out."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", outcome["event_id"].encode()),
        ("ce_source", b"/segments/shop"),
        ("ce_type", b"segment." + outcome["kind"].encode()),
        ("ce_time", str(schemas.to_iso(outcome["occurred_at"])).encode()),
        ("ce_subject", outcome["customer_id"].encode()),
        ("ce_segment", outcome["segment"].encode()),
        ("content-type", b"application/avro"),
        *((f"ce_{name}", outcome[name].encode()) for name in ("value", "arm") if outcome[name] is not None),
    ]


def cloud_event(event: dict[str, Any]) -> list[Header]:
    """The headers of a segment event, spelled out."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event["event_id"].encode()),
        ("ce_source", b"/segments/shop"),
        ("ce_type", b"segment." + event["transition"].encode()),
        ("ce_time", str(schemas.to_iso(event["occurred_at"])).encode()),
        ("ce_subject", event["customer_id"].encode()),
        ("ce_segment", event["segment"].encode()),
        ("ce_transition", event["transition"].encode()),
        ("content-type", b"application/avro"),
        *((f"ce_{name}", event[name].encode()) for name in ("value", "arm") if event[name] is not None),
    ]


def letter(key: bytes | None, value: bytes | None, reason: str, error: str) -> Any:
    """A dead letter as the engine writes it: key, value, headers."""
    encoder = _native.Encoder("shop", 2, 4, 5, 7)
    encoder.dead_letter(0, "clickstream", 17, key, value, reason, error)
    (batch_,) = encoder.collect()[3]
    (record,) = list(MemoryRecords(finished(batch_)).next_batch())
    return record.key, record.value, dict(record.headers)


def test_a_dead_letter_has_the_record_and_why() -> None:
    """Byte for byte, with where it came from; a text of more than 1,000 characters is cut."""
    key, value, headers = letter(None, b"\xff", "no_key", "é" * 1_001)
    assert (key, value) == (None, b"\xff")
    assert headers == {
        "reason": b"no_key",
        "error": ("é" * 999 + "…").encode(),
        "topic": b"clickstream",
        "partition": b"2",
        "offset": b"17",
    }
    assert letter(b"k", None, "no_key", "é" * 1_000)[2]["error"] == ("é" * 1_000).encode()


@pytest.mark.parametrize(
    ("length", "reason", "kept"),
    [
        (8 << 20, "too_long", (8 << 20) - 4),
        ((8 << 20) + 1, "too_long", 65_536),
        (70_000, "too_large", 65_536),
    ],
)
def test_a_long_record_is_cut_in_its_dead_letter(length: int, reason: str, kept: int) -> None:
    """Beyond 8 MiB, or if Kafka refused what came of it, only the beginning, with the digest of the whole value."""
    value = bytes(length - 4)
    key, held, headers = letter(b"anna", value, reason, "long")
    assert (key, held) == (b"anna", value[:kept])
    assert headers.get("truncated") == (b"true" if kept < len(value) else None)
    assert ("sha256" in headers) is (kept < len(value) or reason == "too_large")
    if "sha256" in headers:
        assert headers["sha256"] == sha256(value).hexdigest().encode()
