"""Record batches as brokers hold them, and both ways to read them: the engine's and Python's."""

from typing import Any

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

import schemas
from schemas import records
from segments.engine import INPUTS, Accepted, EngineSettings, Partition, RuleSet, _native, load
from segments.language.catalogue import TOPICS
from tests.unit.repository import ROOT

NAMES = tuple(topic.record for topic in TOPICS)
TOPIC_OF = {record: topic for topic, record in schemas.RECORD_OF_TOPIC.items()}
EXAMPLES = {
    name: schemas.from_json(name, example)
    for name, example in records.read(records.FOLDER / "examples.json").items()
}
GZIP, SNAPPY, LZ4, ZSTD = range(1, 5)
APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20

Row = tuple[int, int, bytes | None, bytes | None]
"""Offset, Kafka timestamp, key, value."""


def known() -> _native.Schemas:
    """What the engine reads without a registry: all that was released."""
    made = _native.Schemas()
    for release in records.releases():
        made.release(release.record, release.id)
        if release.record in NAMES:
            made.accept(release.record, release.id, release.path.read_text(encoding="utf-8"))
    return made


def batch(
    rows: list[tuple[bytes | None, bytes | None]],
    *,
    base: int = 0,
    timestamps: list[int] | None = None,
    headers: list[list[tuple[str, bytes | None]]] | None = None,
    codec: int = 0,
    attributes: int = 0,
    producer: int = -1,
    last: int | None = None,
) -> bytes:
    """A record batch with these keys and values; `last` is the last offset less `base`, if compaction took records."""
    builder = DefaultRecordBatchBuilder(
        2,
        codec,
        is_transactional=0,
        producer_id=producer,
        producer_epoch=0,
        base_sequence=0,
        batch_size=1 << 28,
    )
    for place, (key, value) in enumerate(rows):
        timestamp = timestamps[place] if timestamps else 1_795_000_000_000
        builder.append(place, timestamp, key, value, headers[place] if headers else [])
    raw = bytearray(builder.build())
    raw[0:8] = base.to_bytes(8, "big")
    raw[22] |= attributes
    if last is not None:
        raw[23:27] = last.to_bytes(4, "big")
    return sealed(raw)


def sealed(raw: bytearray) -> bytes:
    """A batch with a checksum that is right."""
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    return bytes(raw)


def runs(
    raw: bytes, position: int = 0, aborted: list[tuple[int, int]] | None = None, most: int = 1 << 30
) -> list[_native.Records]:
    """All runs of a fetch."""
    fetch = _native.Fetch(raw, position, aborted or [])
    return list(iter(lambda: fetch.next_run(most), None))


def rows(raw: bytes, position: int = 0, aborted: list[tuple[int, int]] | None = None) -> list[Row]:
    """All records of a fetch."""
    return [row for run in runs(raw, position, aborted) for row in run.raw()]


def decoded(schemas_known: _native.Schemas, name: str, raw: bytes) -> list[Any]:
    """The event of each record of a fetch: a dict, None for an erasure, reason and error if it is refused."""
    return [each[4] for run in runs(raw) for each in schemas_known.decode(name, run)]


RULES = load([ROOT / "segments"])


def made(states: Any = None, count: int = 1, rules: RuleSet = RULES) -> Partition:
    """A partition, of the rules shipped if no others are given, that reads everything from the beginning."""
    partition = Partition(0, count, rules, EngineSettings(), _native.States() if states is None else states)
    for topic in INPUTS:
        partition.begin(topic, 0)
    return partition


def accepted(topic: str, events: list[tuple[int, dict[str, Any]]]) -> Accepted:
    """What a run held that had these events, each with its Kafka timestamp."""
    name = schemas.RECORD_OF_TOPIC[topic]
    pairs = [(event["customer_id"].encode(), schemas.encode(name, event)) for _, event in events]
    (run,) = runs(batch(pairs, timestamps=[timestamp for timestamp, _ in events]))
    missing, found = made().offer_fetched(topic, run, known(), [])
    assert missing is None
    return found


def click(kind: str, timestamp: int) -> tuple[int, dict[str, Any]]:
    """A click and its Kafka timestamp."""
    return timestamp, EXAMPLES["Click"] | {
        "kind": kind,
        "event_id": f"e{timestamp}",
        "occurred_at": timestamp,
    }
