"""Events as dicts, by partition and topic, as `segments replay` reads them from lines."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from segments.engine import DEPLOYMENTS, IDENTITIES, INPUTS, Event, Record, Refusal, partition_of
from segments.insight.deploying import Deploying
from segments.insight.length import length_of
from segments.insight.plain import EventError, event_of, instant
from segments.language.catalogue import SOURCE, is_source

Logs = dict[int, dict[str, list[Record]]]
"""The records by partition and topic."""
TRANSPORT = ("topic", "partition", "offset", "timestamp", "key", "erase")
"""What says how an event travels, and is no field of it."""
LONGEST = 1 << 20
"""Bytes of a record beyond which the engine refuses it, and needs to be told how many there are."""


def logs_of(
    events: Iterable[Mapping[str, Any]], partitions: int | None, until: int | None, deploying: Deploying
) -> Logs:
    """The events by partition and topic, as `segments replay` reads them from lines; deployments are taken in."""
    logs: Logs = {number: {} for number in range(partitions or 1)}
    offsets: dict[tuple[int, str], int] = defaultdict(int)
    for place, given in enumerate(events):
        try:
            if given.get("topic") == DEPLOYMENTS:
                _deploy(given, partitions, offsets, deploying)
                continue
            number, record = _record(given, partitions, offsets)
        except EventError as error:
            raise EventError(f"event {place}: {error}") from None
        offsets[number, record.topic] = record.offset + 1
        at = record.event["occurred_at"] if isinstance(record.event, dict) else record.timestamp
        if until is None or at <= until:
            logs[number].setdefault(record.topic, []).append(record)
    return logs


def in_order_of_time(logs: Logs) -> None:
    """By time within each partition and topic, whatever the offsets."""
    for records in (records for log in logs.values() for records in log.values()):
        records.sort(key=lambda record: record.at)
        for offset, record in enumerate(records):
            record.offset = offset


def _deploy(
    given: Mapping[str, Any],
    partitions: int | None,
    offsets: dict[tuple[int, str], int],
    deploying: Deploying,
) -> None:
    """The same on every partition, unless it tells of one."""
    fields = {name: value for name, value in given.items() if name not in TRANSPORT}
    told = given.get("partition")
    numbers = range(partitions or 1) if told is None else [_partition(told, partitions, None)]
    places = {number: _offset(given, offsets[number, DEPLOYMENTS]) for number in numbers}
    offsets.update({(number, DEPLOYMENTS): offset + 1 for number, offset in places.items()})
    timestamp = instant("timestamp", given["timestamp"]) if "timestamp" in given else None
    deploying.add(fields, places, timestamp)


def _record(
    given: Mapping[str, Any], partitions: int | None, offsets: Mapping[tuple[int, str], int]
) -> tuple[int, Record]:
    fields = {name: value for name, value in given.items() if name not in TRANSPORT}
    topic = given.get("topic")
    if not isinstance(topic, str) or (topic not in (*INPUTS, IDENTITIES) and not is_source(topic)):
        known = ", ".join((*INPUTS, f"{SOURCE}NAME", DEPLOYMENTS, IDENTITIES))
        raise EventError(f"topic: expected {known}, got {topic!r}")
    event = None if given.get("erase") is True else _event(topic, fields)
    customer = given.get("key", fields.get("customer_id"))
    key = customer.encode("utf-8", "surrogatepass") if isinstance(customer, str) else None
    number = _partition(given.get("partition"), partitions, key)
    offset = _offset(given, offsets[number, topic])
    return number, Record(topic, offset, _timestamp(given, event), key, _value(topic, event), event)


def _value(topic: str, event: Event | Refusal | None) -> bytes | None:
    """As many bytes as the record has, where that is too many: the engine looks at their number alone."""
    if not isinstance(event, dict) or not any(type(each) in (dict, list) and each for each in event.values()):
        return None
    length = length_of(topic, event)
    return bytes(length) if length > LONGEST else None


def _event(topic: str, fields: Mapping[str, Any]) -> Event | Refusal:
    error = fields.get("error")
    if not isinstance(error, str):
        return event_of(topic, fields)
    # A record that `segments consume` could not show: the workers refused it, for this reason.
    reason, _, text = error.partition(": ")
    return Refusal(reason, text)


def _offset(given: Mapping[str, Any], least: int) -> int:
    offset = given.get("offset", least)
    if not isinstance(offset, int) or offset < least:
        raise EventError(f"offset: expected {least} or more, got {offset!r}: sort the events")
    return offset


def _partition(given: Any, partitions: int | None, key: bytes | None) -> int:
    if given is None:
        return partition_of(key or b"", partitions or 1)
    if partitions is None:
        raise EventError("partition: the events tell theirs; say with partitions= how many there are")
    if not isinstance(given, int) or not 0 <= given < partitions:
        raise EventError(f"partition: expected 0 to {partitions - 1}, got {given!r}")
    return given


def _timestamp(given: Mapping[str, Any], event: Event | Refusal | None) -> int:
    """The Kafka timestamp; without one, an event was taken in when it occurred."""
    if "timestamp" in given:
        return instant("timestamp", given["timestamp"])
    if isinstance(event, Refusal):
        return 0
    if event is not None:
        return int(event["occurred_at"])
    if "occurred_at" not in given:
        raise EventError("an erasure has no time of its own: give it a timestamp or occurred_at")
    return instant("occurred_at", given["occurred_at"])
