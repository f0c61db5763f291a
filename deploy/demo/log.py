"""The demo's own ends of Kafka: events in, flips out, and how far the workers are."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    NotCoordinatorForGroupError,
)

import schemas
from deploy.demo.cluster import Cluster
from deploy.demo.errors import ClusterError
from deploy.demo.invent import Line
from segments.language.catalogue import INPUTS
from streams.clock import wall_clock

FLIPS = "segment-events"
# Lines that are encoded and handed to the producer between two looks at the screen.
CHUNK = 2_000
READ_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Flip:
    """A segment event as it was read, in engine form, and when."""

    record: dict[str, Any]
    seen_at: int

    @property
    def what(self) -> tuple[str, str, str]:
        """Customer, segment and transition."""
        return self.record["customer_id"], self.record["segment"], self.record["transition"]

    @property
    def cause(self) -> str | None:
        """The id of the event that made it, None if that was time or an erasure."""
        cause: dict[str, Any] = self.record["cause"] or {}
        return cause.get("event_id")


class Log:
    """A producer, a reader of the flips that are committed, and a look at the group's offsets."""

    def __init__(self, where: Cluster) -> None:
        """Nothing is connected before `async with`."""
        self.where = where
        self.flips: list[Flip] = []
        self.told: Callable[[Flip], None] = lambda _flip: None
        self._producer = AIOKafkaProducer(
            **where.connection(),
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=256 * 1024,
        )
        self._consumer = AIOKafkaConsumer(
            **where.connection(),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        self._admin = AIOKafkaAdminClient(**where.connection())
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, and begin to read flips."""
        try:
            await self._producer.start()
            await self._consumer.start()
            await self._admin.start()
            await self._expect_empty_topics()
        except BaseException:
            await self.__aexit__()
            raise
        self._consumer.assign(self._partitions((FLIPS,)))
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        await self._producer.stop()
        await self._consumer.stop()
        await self._admin.close()

    async def send(self, line: Line) -> None:
        """Send one event and wait until the broker has it."""
        await self._producer.send_and_wait(line["topic"], value(line), key(line))

    async def send_all(self, lines: list[Line], progress: Callable[[int], None]) -> None:
        """Send the history, in order; `progress` is told how many are with the broker."""
        done = 0
        for chunk in chunks(lines, CHUNK):
            sent = [await self._producer.send(line["topic"], value(line), key(line)) for line in chunk]
            await asyncio.gather(*sent)
            done += len(chunk)
            progress(done)

    async def lag(self) -> int:
        """How many records of the inputs the group has not committed yet."""
        ends = await self._consumer.end_offsets(self._partitions(INPUTS))
        done = await self._committed()
        return sum(end - done.get(part, 0) for part, end in ends.items())

    async def _committed(self) -> dict[TopicPartition, int]:
        try:
            offsets = await self._admin.list_consumer_group_offsets(self.where.group)
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError):
            # A broker that has just started has no coordinator yet: nobody has committed anything.
            return {}
        return {part: place.offset for part, place in offsets.items() if place.offset > 0}

    async def read_to_the_end(self) -> None:
        """Wait until every flip that is committed by now has been read."""
        parts = self._partitions((FLIPS,))
        ends = await self._consumer.end_offsets(parts)
        for part in parts:
            async with asyncio.timeout(READ_WITHIN):
                while await self._consumer.position(part) < ends[part]:
                    self.check()
                    await asyncio.sleep(0.02)

    def check(self) -> None:
        """Raise what ended the reader of flips, if anything did."""
        if self._reading and self._reading.done():
            self._reading.result()

    async def _read(self) -> None:
        async for message in self._consumer:
            flip = Flip(schemas.decode(schemas.SEGMENT_EVENT, message.value), wall_clock())
            self.flips.append(flip)
            self.told(flip)

    async def _expect_empty_topics(self) -> None:
        topics = (*INPUTS, FLIPS)
        parts = self._partitions(topics)
        first = await self._consumer.beginning_offsets(parts)
        ends = await self._consumer.end_offsets(parts)
        full = [
            topic
            for topic in topics
            if any(ends[part] > first[part] for part in parts if part.topic == topic)
        ]
        if full:
            raise ClusterError(
                f"the demo needs empty topics; {', '.join(full)} at {self.where.brokers} have records: "
                "unset SEGMENTS_BROKERS to have a broker of its own, or name another cluster"
            )

    def _partitions(self, topics: tuple[str, ...]) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for topic in topics for number in range(self.where.partitions)]


def key(line: Line) -> bytes:
    """The record key: the customer."""
    return str(line["customer_id"]).encode()


def value(line: Line) -> bytes | None:
    """The record value in Avro; nothing for an erasure."""
    if line.get("erase"):
        return None
    name = schemas.RECORD_OF_TOPIC[line["topic"]]
    fields = {field: content for field, content in line.items() if field != "topic"}
    return schemas.encode(name, schemas.from_json(name, fields))


def chunks(lines: list[Line], size: int) -> Iterator[list[Line]]:
    """The lines in pieces of this size."""
    for start in range(0, len(lines), size):
        yield lines[start : start + size]
