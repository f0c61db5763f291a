"""A log as JSON lines: the records of the input topics, as `segments consume` prints them, for `segments replay`.

Lines of `segment-deployments` may stand among them: whoever follows deployments gives a `Deploying` that takes them in,
everybody else passes over them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import schemas
from segments.engine import BEFORE_ALL, Record, Refusal, partition_of
from segments.insight.alone import Moment
from segments.insight.deploying import Deploying
from segments.insight.plain import EventError
from segments.language.catalogue import (
    DEPLOYMENTS,
    FUTURE,
    IDENTITIES,
    INPUTS,
    SOURCE,
    is_source,
    sources_among,
)
from streams.history.lines import Line, LineError, numbered, parse

Logs = dict[int, dict[str, list[Record]]]
"""The records by partition and topic."""
LONG = 1 << 18
"""Bytes of a line from which on it may be a record that is too long: Avro takes at most twice as many as JSON."""


def read_log(
    files: Iterable[IO[bytes]],
    partitions: int | None = None,
    until: int | None = None,
    *,
    sort: bool = False,
    deploying: Deploying | None = None,
) -> Logs:
    """Read the lines of several files, in order; `until`: leave out what occurred after that instant.

    A line that is no record of its topic becomes a refused one; a line that no topic can be told of is a `LineError`.
    Offsets count from 0 where a line has none; a record without a timestamp was taken in when it occurred. `sort`: by
    time within each partition and topic, whatever the offsets. `deploying` takes in the deployments.
    """
    logs: Logs = {number: {} for number in range(partitions or 1)}
    for line, topic, number, offset in _lines(files, partitions, deploying):
        record = _record(line, topic, offset)
        if until is None or _occurred(record) <= until:
            logs[number].setdefault(topic, []).append(record)
    if sort:
        for records in (records for log in logs.values() for records in log.values()):
            records.sort(key=_occurred)
            for offset, record in enumerate(records):
                record.offset = offset
    return logs


@dataclass(slots=True)
class OfCustomer:
    """The lines of a log as they matter to one customer."""

    number: int
    """The customer's partition."""
    log: dict[str, list[Moment]] = field(default_factory=dict)
    """What happened in that partition, by topic."""
    latest: int | None = None
    """The last instant that any line tells; None: no line tells one."""
    out_of_order: int = 0
    """Lines of the partition that occurred before one that came earlier in their topic."""


def read_one(
    files: Iterable[IO[bytes]],
    customer: str,
    partitions: int | None = None,
    until: int | None = None,
    *,
    sort: bool = False,
    deploying: Deploying | None = None,
) -> OfCustomer:
    """As `read_log`, for one customer: of the lines of others only the times are read, and no field is checked."""
    key = customer.encode()
    found = OfCustomer(partition_of(key, partitions or 1))
    for line, topic, number, offset in _lines(files, partitions, deploying):
        record = _record(line, topic, offset) if _key(line) == key else None
        moment = _moment(line) if record is None else Moment(_occurred(record), _clock(record), record)
        if moment is None or (until is not None and moment.at > until):
            continue
        if moment.clock > BEFORE_ALL:
            found.latest = max(found.latest or moment.clock, moment.clock)
        if number == found.number:
            found.log.setdefault(topic, []).append(moment)
    found.out_of_order = sum(_disorder([each.at for each in log]) for log in found.log.values())
    if sort:
        _sort(found.log)
    return found


def _sort(log: dict[str, list[Moment]]) -> None:
    for moments in log.values():
        moments.sort(key=lambda moment: moment.at)
        own = [moment.record for moment in moments if moment.record is not None]
        for offset, record in enumerate(own):
            record.offset = offset


def _moment(line: Line) -> Moment | None:
    """When somebody else's record occurred; None: it is refused, or tells no time."""
    try:
        at = schemas.from_iso(line.fields.get("occurred_at", line.transport.get("timestamp")))
        taken_in = schemas.from_iso(line.transport.get("timestamp", at))
    except ValueError:
        return None
    if line.erases:
        return Moment(taken_in, BEFORE_ALL, None)
    return None if at > taken_in + FUTURE else Moment(at, min(at, taken_in), None)


def _clock(record: Record) -> int:
    """The instant that a record moves the clock of its partition to."""
    if not isinstance(record.event, dict) or record.at > record.timestamp + FUTURE:
        return BEFORE_ALL
    return min(record.at, record.timestamp)


def latest(logs: Logs) -> int | None:
    """The last instant that any record tells, as the clock of a partition takes it; None: none tells one."""
    instants = [_clock(record) for log in logs.values() for records in log.values() for record in records]
    return max((each for each in instants if each > BEFORE_ALL), default=None)


def out_of_order(logs: Logs) -> int:
    """How many records occurred before one that came earlier in their partition and topic."""
    readable = (
        [record.at for record in records if isinstance(record.event, dict)]
        for log in logs.values()
        for records in log.values()
    )
    return sum(map(_disorder, readable))


def _disorder(instants: Sequence[int]) -> int:
    return sum(at < before for at, before in zip(instants, accumulate(instants, max), strict=True))


def strangers(topics: Iterable[str], sources: Sequence[str]) -> list[str]:
    """What a command says of lines of profile sources that are not among the settings: a worker would not read them."""
    missing = [each for each in sources_among(topics) if each not in sources]
    return [
        f"passed over: the lines of {SOURCE}{each}, which is no profile source: set SEGMENTS_PROFILE_SOURCES={each}"
        for each in missing
    ]


def disorder_lines(count: int) -> list[str]:
    """What a command says of a log that is not in order of time."""
    lines = f"{count:,} lines are" if count > 1 else "1 line is"
    return (
        [f"out of order: {lines} earlier than one before in the same topic; --sort sorts by time"]
        if count
        else []
    )


def _lines(
    files: Iterable[IO[bytes]], partitions: int | None, deploying: Deploying | None
) -> Iterator[tuple[Line, str, int, int]]:
    """Each line of an input with its topic, partition and offset; deployments are taken in on the way."""
    offsets: dict[tuple[int, str], int] = defaultdict(int)
    for file in files:
        name = getattr(file, "name", None)
        source = name if isinstance(name, str) else "-"
        for where, text in numbered(file, source):
            line = parse(where, text)
            topic = _topic(line)
            if topic == DEPLOYMENTS:
                # The same on every partition, unless the line tells of one.
                given = "partition" in line.transport
                numbers = [_partition(line, partitions)] if given else range(partitions or 1)
                places = {number: _offset(line, topic, number, offsets) for number in numbers}
                if deploying is not None:
                    _deploy(line, places, deploying, Path(source).parent)
                continue
            number = _partition(line, partitions)
            yield line, topic, number, _offset(line, topic, number, offsets)


def _offset(line: Line, topic: str, number: int, offsets: dict[tuple[int, str], int]) -> int:
    offset = line.transport.get("offset", offsets[number, topic])
    if not _is_whole(offset) or offset < 0:
        raise line.error(f"offset: expected a whole number from 0, got {offset!r}")
    if offset < offsets[number, topic]:
        raise line.error(f"offset: {offset} comes after {offsets[number, topic] - 1}; sort the lines")
    offsets[number, topic] = offset + 1
    return int(offset)


def _deploy(line: Line, places: dict[int, int], deploying: Deploying, beside: Path) -> None:
    if line.erases or isinstance(line.fields.get("error"), str):
        raise line.error("a deployment that can't be read: no worker would go on here")
    given = line.transport.get("timestamp")
    timestamp = None if given is None else _instant(line, "timestamp", given)
    # A key that is not the group's is told beside the record: a worker goes by it.
    key = {"group": line.transport["key"]} if "key" in line.transport else {}
    try:
        deploying.add(line.fields | key, places, timestamp, beside)
    except EventError as error:
        raise line.error(error) from None


def _occurred(record: Record) -> int:
    """When a record occurred; one that can't be read has no time of its own, nor has an erasure."""
    return int(record.event["occurred_at"]) if isinstance(record.event, dict) else record.timestamp


def _topic(line: Line) -> str:
    topic = line.transport.get("topic")
    known = (*INPUTS, DEPLOYMENTS, IDENTITIES.name)
    if topic not in known and not (isinstance(topic, str) and is_source(topic)):
        raise line.error(f"topic: expected {', '.join(known)}, or {SOURCE}NAME, got {topic!r}")
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


def _record(line: Line, topic: str, offset: int) -> Record:
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
    value = None
    if isinstance(event, dict) and line.length > LONG:
        value = schemas.encode(schemas.record_of(topic), event)
    return Record(topic, offset, timestamp, _key(line), value, event)


def _event(line: Line, topic: str) -> dict[str, Any] | Refusal | None:
    if line.erases:
        return None
    error = line.fields.get("error")
    if isinstance(error, str):
        # A record that `segments consume` could not show: the workers refused it, for this reason.
        reason, _, text = error.partition(": ")
        return Refusal(reason, f"{line.where}: {text}")
    try:
        return schemas.from_json(schemas.record_of(topic), line.fields)
    except schemas.JsonError as error:
        return Refusal("undecodable", f"{line.where}: {error}")


def _instant(line: Line, name: str, value: object) -> int:
    try:
        return schemas.from_iso(value)
    except ValueError as error:
        raise LineError(line.where, f"{name}: {error}") from None
