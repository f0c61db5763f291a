"""`delivery-dead-letters`: flips that were given up, with what was sent and the answer."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

import schemas
from schemas.records import SEGMENT_EVENT
from streams.delivery.flip import Flip, Place
from streams.delivery.lanes import Waiting

log = logging.getLogger(__name__)

LETTERS = "delivery-dead-letters"
RETRY = "retry"
"""The header of a letter that somebody sends again."""
LONGEST_BODY = 65_536
"""Bytes that are kept of a body which Kafka does not take as a whole; such a letter can't be sent again."""
LONGEST_ERROR = 1_000
"""Characters of the header `error`."""
PAUSE = 1.0
"""Seconds before Kafka is asked again."""


class Letters:
    """Writes dead letters of one destination."""

    def __init__(self, destination: str, producer: AIOKafkaProducer) -> None:
        self._destination = destination
        self._producer = producer

    async def give_up(self, waiting: Waiting, body: bytes) -> None:
        """Write a flip that is given up: its customer, the body that was sent; returns when Kafka has it."""
        flip, (status, error) = waiting.flip, waiting.failure
        headers = [
            ("destination", self._destination),
            ("status", str(status)),
            ("attempts", str(waiting.attempts)),
            ("error", error[:LONGEST_ERROR]),
            ("topic", flip.place.topic),
            ("partition", str(flip.place.partition)),
            ("offset", str(flip.place.offset)),
        ]
        encoded = [(name, text.encode()) for name, text in headers] + [("flip", flip.raw)]
        while True:
            try:
                await self._producer.send_and_wait(
                    LETTERS, body, flip.customer.encode(), flip.place.partition, headers=encoded
                )
            except MessageSizeTooLargeError:
                encoded, body = [*encoded[:-1], ("truncated", b"1")], body[:LONGEST_BODY]
            except (KafkaError, TimeoutError) as problem:
                log.warning("%s: a dead letter can't be written yet: %r", self._destination, problem)
                await asyncio.sleep(PAUSE)
            else:
                return


def event_in(record: Any) -> bytes | None:
    """The segment event in a record of segment-events, or of the dead letters, as bytes; None if there is none."""
    if record.topic != LETTERS:
        return bytes(record.value) if record.value is not None else None
    headers: Mapping[str, bytes] = dict(record.headers)
    return headers.get("flip")


def sent_again(record: Any, destination: str) -> Flip | None:
    """The flip of a letter of this destination that somebody sent again; None for all others."""
    headers: Mapping[str, bytes] = dict(record.headers)
    if RETRY not in headers or headers.get("destination", b"").decode() != destination:
        return None
    place = Place(
        headers["topic"].decode(), int(headers["partition"].decode()), int(headers["offset"].decode())
    )
    source = Place(record.topic, record.partition, record.offset)
    raw = headers["flip"]
    return Flip(schemas.decode(SEGMENT_EVENT, raw), place, source, record.timestamp, raw, retried=True)


def flip_of(record: Any) -> Flip:
    """The flip of a record of segment-events; DecodeError if it is none."""
    place = Place(record.topic, record.partition, record.offset)
    return Flip(schemas.decode(SEGMENT_EVENT, record.value), place, place, record.timestamp, record.value)


def segment_of(headers: Iterable[tuple[str, bytes]]) -> str | None:
    """The segment of a record by its headers, so that those of others need not be decoded; None: they don't say."""
    for name, value in headers:
        if name == "ce_segment":
            return value.decode(errors="replace")
    return None
