"""What a partition did, as the records of one Kafka transaction."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import schemas
from segments.engine import DeadLetter, Effects
from streams.clock import wall_clock
from streams.transport import TransactionalProducer
from streams.transport.producer import Batches, Header
from streams.worker.caution import TOO_LARGE

SEGMENT_EVENTS = "segment-events"
SEGMENT_MEMBERSHIPS = "segment-memberships"
DEAD_LETTERS = "dead-letters"

MEBIBYTE = 1_048_576
LONGEST_WHOLE = 8 * MEBIBYTE
"""Bytes of key and value of a refused record that its dead letter holds whole: the topic takes twice as much."""
KEPT_OF_KEY, KEPT_OF_VALUE = 1024, 64 * 1024
"""Bytes that the dead letter of a longer one holds: enough to see what it is."""
LONGEST_ERROR = 1_000
"""Characters of the header `error`."""

CONTENT_TYPE: Header = ("content-type", b"application/avro")
SPECVERSION: Header = ("ce_specversion", b"1.0")


class Outbox:
    """Turns the effects of one partition into batches for its producer."""

    def __init__(self, producer: TransactionalProducer, group: str, partition: int, changelog: str) -> None:
        """Write on behalf of a partition."""
        self._producer = producer
        self._partition = partition
        self._changelog = changelog
        self._source: Header = ("ce_source", f"/segments/{group}".encode())

    def outputs(self, effects: Effects) -> Batches:
        """Encode segment events, memberships and dead letters."""
        batches: Batches = {}
        now = wall_clock()
        self._segment_events(batches, effects.segment_events, now)
        self._memberships(batches, effects.memberships, now)
        self._dead_letters(batches, effects.dead_letters, now)
        return batches

    def changelog(self, batches: Batches, states: Mapping[bytes, bytes | None]) -> None:
        """Add the changed states."""
        self._producer.add_all(batches, self._changelog, wall_clock(), states)

    def _segment_events(
        self, batches: Batches, events: Iterable[tuple[bytes, dict[str, Any]]], now: int
    ) -> None:
        for key, event in events:
            event["emitted_at"] = now
            value = schemas.encode(schemas.SEGMENT_EVENT, event)
            self._producer.add(batches, SEGMENT_EVENTS, now, (key, value), self._cloud_event(event))

    def _cloud_event(self, event: dict[str, Any]) -> list[Header]:
        """The binary binding of CloudEvents, so that a consumer can filter without decoding."""
        segment, transition = event["segment"].encode(), event["transition"].encode()
        return [
            SPECVERSION,
            ("ce_id", event["event_id"].encode()),
            self._source,
            ("ce_type", b"segment." + transition),
            ("ce_time", str(schemas.to_iso(event["occurred_at"])).encode()),
            ("ce_subject", event["customer_id"].encode()),
            ("ce_segment", segment),
            ("ce_transition", transition),
            CONTENT_TYPE,
        ]

    def _memberships(
        self, batches: Batches, memberships: Iterable[tuple[bytes, dict[str, Any] | None]], now: int
    ) -> None:
        for key, membership in memberships:
            value = None if membership is None else schemas.encode(schemas.SEGMENT_MEMBERSHIPS, membership)
            self._producer.add(batches, SEGMENT_MEMBERSHIPS, now, (key, value), [])

    def _dead_letters(self, batches: Batches, letters: Iterable[DeadLetter], now: int) -> None:
        for letter in letters:
            key, value, added = kept_of(letter)
            headers = [*self._dead_letter_headers(letter), *added]
            self._producer.add(batches, DEAD_LETTERS, now, (key, value), headers)

    def _dead_letter_headers(self, letter: DeadLetter) -> list[Header]:
        record = letter.record
        headers = {
            "reason": letter.reason,
            "error": letter.error[:LONGEST_ERROR],
            "topic": record.topic,
            "partition": self._partition,
            "offset": record.offset,
        }
        return [(name, str(value).encode()) for name, value in headers.items()]


def kept_of(letter: DeadLetter) -> tuple[bytes | None, bytes | None, list[Header]]:
    """Key and value as a dead letter holds them, and the headers that tell if these are not all.

    `sha256` is the digest of the whole value. A record for which Kafka refused a transaction is cut whatever its
    length, so that the letter itself can't be refused for that.
    """
    key, value = letter.record.key, letter.record.value
    length = len(key or b"") + len(value or b"")
    if length <= LONGEST_WHOLE and letter.reason != TOO_LARGE:
        return key, value, []
    headers: list[Header] = [("sha256", sha256(value or b"").hexdigest().encode())]
    short = None if key is None else key[:KEPT_OF_KEY], None if value is None else value[:KEPT_OF_VALUE]
    if short != (key, value):
        headers.append(("truncated", b"true"))
    return *short, headers
