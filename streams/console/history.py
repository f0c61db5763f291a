"""What the topics hold of one customer, read on request from their one partition; nothing is kept in a file."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

import schemas
from segments.engine import IDENTITIES, INPUTS, partition_of
from segments.language.catalogue import SOURCE
from streams.errors import StreamsError
from streams.kafka.read_committed import assign, committed_reader, until
from streams.registry.registry import Registry
from streams.settings.settings import Settings

MOST_EVENTS = 2_000
"""The latest that are kept of one customer, some 500 bytes each; all are counted."""
MOST_READINGS = 16
"""At a time; beyond, the oldest is stopped."""
KEPT_SECONDS = 10.0
"""For which a reading that has ended is kept and shown again: of who was erased nothing is shown after ten seconds,
also if they were in no segment, so that nothing but the topics tells of the erasure."""
FLIPS = "segment-events"
KINDS = ("kind", "transition", "action")
"""The fields that tell what a record of a topic is; a profile has none of them."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a customer."""

    at: int
    topic: str
    kind: str
    fields: Mapping[str, Any]
    """The record, decoded."""


@dataclass(slots=True)
class Reading:
    """One customer's past, as far as it is read."""

    customer: str
    done: int = 0
    total: int = 0
    count: int = 0
    """Events of the customer found, those that are no longer kept included."""
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    flips: deque[Event] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    ended_at: float | None = None
    stopped: threading.Event = field(default_factory=threading.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    problem: str | None = None
    erased_at: int = 0
    """The Kafka timestamp of the latest erasure, in milliseconds: what came at or before it is not shown."""

    @property
    def ended(self) -> bool:
        """Whether nothing more is read."""
        return self.ended_at is not None

    def add(self, topic: str, timestamp: int, value: bytes | None) -> None:
        """Take in a record of the customer."""
        if value is None:
            # One of the links is passed over, by the workers, too.
            self.erased_at = max(self.erased_at, 0 if topic == IDENTITIES else timestamp)
            return
        record = schemas.record_of(topic)
        try:
            fields = schemas.decode(record, value)
        except schemas.DecodeError:
            return  # The workers refuse it, too.
        if timestamp <= self.erased_at:
            return
        kept = self.flips if topic == FLIPS else self.events
        kind = next((fields[name] for name in KINDS if fields.get(name)), "profile")
        kept.append(Event(fields["occurred_at"], topic, kind, {**fields, "timestamp": timestamp}))
        self.count += 1

    def finish(self) -> None:
        """Bring what was read into the order of time, without what was erased."""
        for kept in (self.events, self.flips):
            left = [each for each in list(kept) if each.fields["timestamp"] > self.erased_at]
            kept.clear()
            kept.extend(sorted(left, key=lambda each: each.at))
        if self.erased_at:
            self.count = len(self.events) + len(self.flips)


class Readings:
    """The readings that are under way, or have just ended."""

    def __init__(
        self, settings: Settings, registry: Registry | None, sources: Callable[[], Sequence[str]] = tuple
    ) -> None:
        """`sources` tells the names of the profile sources beside `profiles`."""
        self._settings = settings
        self._registry = registry
        self._sources = sources
        self._readings: dict[str, Reading] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.read: Callable[[Reading, int], None] = self._read
        """What reads, given a reading and the number of partitions: from Kafka."""

    def forget(self, customer: str) -> None:
        """The customer was erased or forgotten."""
        if (reading := self._readings.pop(customer, None)) is not None:
            reading.stopped.set()
            reading.events.clear()
            reading.flips.clear()

    def of(self, customer: str, count: int) -> Reading:
        """The reading of a customer, begun if there is none; the topics have `count` partitions."""
        reading = self._readings.get(customer)
        if reading is None:
            while len(self._readings) >= MOST_READINGS:
                self.forget(next(iter(self._readings)))
            reading = self._readings[customer] = Reading(customer)
            task = asyncio.create_task(self._run(reading, count))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return reading

    def _let_go(self, reading: Reading) -> None:
        if self._readings.get(reading.customer) is reading:
            del self._readings[reading.customer]

    def stop(self, customer: str) -> None:
        """Stop a reading: what was read by then is shown."""
        if (reading := self._readings.get(customer)) is not None:
            reading.stopped.set()

    def close(self) -> None:
        """Stop all."""
        for reading in self._readings.values():
            reading.stopped.set()

    async def _run(self, reading: Reading, count: int) -> None:
        try:
            await asyncio.to_thread(self.read, reading, count)
        except (StreamsError, KafkaError, OSError) as error:
            told = str(error) if isinstance(error, StreamsError) else f"Kafka does not answer: {error!r}"
            reading.problem = told
        reading.finish()
        loop = asyncio.get_running_loop()
        reading.ended_at = loop.time()
        loop.call_later(KEPT_SECONDS, self._let_go, reading)
        reading.finished.set()

    def _read(self, reading: Reading, count: int) -> None:
        key = reading.customer.encode()
        number = partition_of(key, count)
        sources = [f"{SOURCE}{name}" for name in self._sources()]
        with committed_reader(self._settings) as consumer:
            there = consumer.topics()
            topics = (*INPUTS, *(each for each in (IDENTITIES, *sources) if each in there), FLIPS)
            partitions = [TopicPartition(topic, number) for topic in topics]
            ends = assign(consumer, partitions, from_beginning=True)
            starts = {each: consumer.position(each) for each in partitions}
            reading.total = sum(ends[each] - starts[each] for each in partitions)
            for batch in until(consumer, ends, self._settings):
                mine = [record for record in batch if record.key == key]
                if self._registry is not None and mine:
                    values = [record.value for record in mine if record.value is not None]
                    self._registry.learn_all(mine[0].topic, values)
                for record in mine:
                    reading.add(record.topic, record.timestamp, record.value)
                reading.done = sum(consumer.position(each) - starts[each] for each in partitions)
                if reading.stopped.is_set():
                    return
