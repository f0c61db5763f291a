"""A log as JSON lines: the records of the input topics, as `segments consume` prints them, for `segments replay`."""

from collections import defaultdict
from collections.abc import Iterable
from typing import IO, Any

import schemas
from segments.engine import Record, Refusal, partition_of
from segments.language.catalogue import INPUTS
from streams.history.lines import Line, LineError, numbered, parse

Logs = dict[int, dict[str, list[Record]]]
"""The records by partition and topic."""


def read_log(files: Iterable[IO[bytes]], partitions: int | None = None, until: int | None = None) -> Logs:
    """Read the lines of several files, in order; `until`: leave out what occurred after that instant.

    A line that is no record of its topic becomes a refused one; a line that no topic can be told of is a `LineError`.
    Offsets count from 0 where a line has none; a record without a timestamp was taken in when it occurred.
    """
    logs: Logs = {number: {} for number in range(partitions or 1)}
    offsets: dict[tuple[int, str], int] = defaultdict(int)
    for file in files:
        for where, text in numbered(file, file.name if isinstance(file.name, str) else "-"):
            line = parse(where, text)
            topic = _topic(line)
            number = _partition(line, partitions)
            record = _record(line, topic, offsets[number, topic])
            if record.offset < offsets[number, topic]:
                raise line.error(
                    f"offset: {record.offset} comes after {offsets[number, topic] - 1}; sort the lines"
                )
            offsets[number, topic] = record.offset + 1
            if until is None or _occurred(record) <= until:
                logs[number].setdefault(topic, []).append(record)
    return logs


def _occurred(record: Record) -> int:
    """When a record occurred; one that can't be read has no time of its own, nor has an erasure."""
    return int(record.event["occurred_at"]) if isinstance(record.event, dict) else record.timestamp


def _topic(line: Line) -> str:
    topic = line.transport.get("topic")
    if topic not in INPUTS:
        raise line.error(f"topic: expected {', '.join(INPUTS)}, got {topic!r}")
    return str(topic)


def _partition(line: Line, partitions: int | None) -> int:
    given = line.transport.get("partition")
    if given is None or partitions is None:
        if given is not None:
            raise line.error(
                "partition: the lines tell their partition; say with --partitions how many there are"
            )
        return partition_of(_key(line) or b"", partitions or 1)
    if not _is_whole(given) or not 0 <= given < partitions:
        raise line.error(f"partition: expected 0 to {partitions - 1}, got {given!r}")
    return int(given)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _key(line: Line) -> bytes | None:
    name = line.transport.get("key", line.fields.get("customer_id"))
    return name.encode("utf-8", "surrogatepass") if isinstance(name, str) else None


def _record(line: Line, topic: str, next_offset: int) -> Record:
    offset = line.transport.get("offset", next_offset)
    if not _is_whole(offset) or offset < 0:
        raise line.error(f"offset: expected a whole number from 0, got {offset!r}")
    event = _event(line, topic)
    if "timestamp" in line.transport:
        timestamp = _instant(line, "timestamp", line.transport["timestamp"])
    elif isinstance(event, dict):
        timestamp = event["occurred_at"]
    elif event is None:
        if "occurred_at" not in line.fields:
            raise line.error("an erasure has no time of its own: give it a timestamp or occurred_at")
        timestamp = _instant(line, "occurred_at", line.fields["occurred_at"])
    else:
        timestamp = 0
    return Record(topic, offset, timestamp, _key(line), None, event)


def _event(line: Line, topic: str) -> dict[str, Any] | Refusal | None:
    if line.erases:
        return None
    try:
        return schemas.from_json(schemas.RECORD_OF_TOPIC[topic], line.fields)
    except schemas.JsonError as error:
        return Refusal("undecodable", f"{line.where}: {error}")


def _instant(line: Line, name: str, value: object) -> int:
    try:
        return schemas.from_iso(value)
    except ValueError as error:
        raise LineError(line.where, f"{name}: {error}") from None
