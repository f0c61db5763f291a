"""`segments.replay`: events as plain values in, flips as plain values out; for notebooks and scripts."""

import sys
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from segments.engine import INPUTS, EngineSettings, Event, Record, RuleSet, load, partition_of
from segments.insight.plain import EventError, event_of, flip_of, instant
from segments.insight.replay import Replay
from segments.insight.tally import Tally
from segments.language.checking.lint import refuse
from segments.language.errors import SegmentsError
from segments.language.loading.load import rules_of
from segments.language.nodes.order import in_order
from segments.language.nodes.segment import Segment

TRANSPORT = ("topic", "partition", "offset", "timestamp", "erase")
"""What says how an event travels, and is no field of it."""

Rules = str | Path | Segment | RuleSet | Sequence[str | Path] | Sequence[Segment]
Logs = dict[int, dict[str, list[Record]]]


def replay(
    events: Iterable[Mapping[str, Any]],
    rules: Rules,
    until: Any = None,
    *,
    partitions: int | None = None,
    sort: bool = False,
    settings: EngineSettings,
) -> list[dict[str, Any]]:
    """See `segments.replay`."""
    chosen = _rules(rules, settings.currency)
    end = None if until is None else instant("until", until)
    logs = _logs(events, partitions, end)
    if sort:
        _sort(logs)
    flips: list[dict[str, Any]] = []
    tally = Tally()
    for number, log in logs.items():
        for effects in Replay(number, len(logs), log, chosen, settings).run(end):
            flips += [flip_of(event) for _, event in effects.segment_events]
            tally.note(effects)
    for reason, count in tally.reasons.items():
        warnings.warn(f"{count} refused, {tally.errors[reason]}", stacklevel=3)
    if tally.late:
        sys.stderr.write(f"{tally.late_line()}; sort=True sorts by time\n")
    return flips


def _rules(rules: Rules, currency: str) -> RuleSet:
    if isinstance(rules, RuleSet):
        return rules
    each = [rules] if isinstance(rules, str | Path | Segment) else list(rules)
    segments = [one for one in each if isinstance(one, Segment)]
    if not segments:
        return load(cast("list[str | Path]", each), currency)
    if len(segments) < len(each):
        raise SegmentsError("rules: expected folders and files, or segments; came both.")
    ordered = rules_of(in_order(segments))
    refuse(ordered)
    return RuleSet(ordered, currency)


def _logs(events: Iterable[Mapping[str, Any]], partitions: int | None, until: int | None) -> Logs:
    """The events by partition and topic, as `segments replay` reads them from lines."""
    logs: Logs = {number: {} for number in range(partitions or 1)}
    offsets: dict[tuple[int, str], int] = defaultdict(int)
    for place, given in enumerate(events):
        try:
            number, record = _record(given, partitions, offsets)
        except EventError as error:
            raise EventError(f"event {place}: {error}") from None
        offsets[number, record.topic] = record.offset + 1
        at = record.event["occurred_at"] if isinstance(record.event, dict) else record.timestamp
        if until is None or at <= until:
            logs[number].setdefault(record.topic, []).append(record)
    return logs


def _sort(logs: Logs) -> None:
    """By time within each partition and topic, whatever the offsets."""
    for records in (records for log in logs.values() for records in log.values()):
        records.sort(key=lambda record: record.at)
        for offset, record in enumerate(records):
            record.offset = offset


def _record(
    given: Mapping[str, Any], partitions: int | None, offsets: Mapping[tuple[int, str], int]
) -> tuple[int, Record]:
    fields = {name: value for name, value in given.items() if name not in TRANSPORT}
    topic = given.get("topic")
    if topic not in INPUTS:
        raise EventError(f"topic: expected {', '.join(INPUTS)}, got {topic!r}")
    event = None if given.get("erase") is True else event_of(topic, fields)
    customer = fields.get("customer_id")
    key = customer.encode("utf-8", "surrogatepass") if isinstance(customer, str) else None
    number = _partition(given.get("partition"), partitions, key)
    offset = given.get("offset", next_offset := offsets[number, topic])
    if not isinstance(offset, int) or offset < next_offset:
        raise EventError(f"offset: expected {next_offset} or more, got {offset!r}: sort the events")
    return number, Record(topic, offset, _timestamp(given, event), key, None, event)


def _partition(given: Any, partitions: int | None, key: bytes | None) -> int:
    if given is None:
        return partition_of(key or b"", partitions or 1)
    if partitions is None:
        raise EventError("partition: the events tell theirs; say with partitions= how many there are")
    if not isinstance(given, int) or not 0 <= given < partitions:
        raise EventError(f"partition: expected 0 to {partitions - 1}, got {given!r}")
    return given


def _timestamp(given: Mapping[str, Any], event: Event | None) -> int:
    """The Kafka timestamp; without one, an event was taken in when it occurred."""
    if "timestamp" in given:
        return instant("timestamp", given["timestamp"])
    if event is not None:
        return int(event["occurred_at"])
    if "occurred_at" not in given:
        raise EventError("an erasure has no time of its own: give it a timestamp or occurred_at")
    return instant("occurred_at", given["occurred_at"])
