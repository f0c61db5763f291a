"""The past of the input topics, read once from where it matters to where it ends now; no group, nothing written.

One partition after another, its three topics side by side: what comes first in time is applied first, so that hardly
anything has to wait in memory.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from segments.engine import Record
from segments.engine.machine import occurred_at
from segments.engine.records import INPUTS, PROFILES
from streams.connection import BOOTSTRAP_MILLISECONDS, connection, require_broker
from streams.decode import decode
from streams.errors import BrokerAway, TopicsError
from streams.log import Logs
from streams.settings import Settings

POLL_MILLISECONDS = 200
SILENCE_SECONDS = 60.0
MANY = 20_000
"""Records of a topic that wait in memory before it has to wait itself."""
AHEAD = 5 * 60_000
"""Milliseconds that an event may be ahead of its Kafka timestamp (contract, section 4)."""

Offsets = dict[str, int]
Progress = Callable[[int], None]
"""Is told how many offsets more were read."""


class Reader(Protocol):
    """Whoever lives through a history: a trial."""

    def begin(self, number: int, starts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Another partition, from these offsets to those."""

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """Its records in [start, end)."""

    def work(self) -> None:
        """Use what was offered."""

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait to be used."""


class History(Protocol):
    """Where the past comes from."""

    @property
    def count(self) -> int:
        """Partitions of each topic."""

    @property
    def length(self) -> int:
        """Offsets to be read."""

    @property
    def deleted_before(self) -> int | None:
        """What came in before this instant, and would matter, is no longer there."""

    def read(self, reader: Reader, progress: Progress) -> None:
        """Give it all to a reader."""


@dataclass(frozen=True, slots=True)
class FileHistory:
    """A log of JSON lines."""

    logs: Logs
    deleted_before: int | None = None

    @property
    def count(self) -> int:
        """As many partitions as were asked for."""
        return len(self.logs)

    @property
    def length(self) -> int:
        """The records, those of no partition left out."""
        return sum(len(records) for log in self.logs.values() for records in log.values())

    def read(self, reader: Reader, progress: Progress) -> None:
        """Give it all to a reader."""
        for number, log in self.logs.items():
            bounds = {topic: _bounds(log.get(topic, ())) for topic in INPUTS}
            reader.begin(
                number,
                {topic: start for topic, (start, _) in bounds.items()},
                {topic: end for topic, (_, end) in bounds.items()},
            )
            for topic, records in log.items():
                reader.offer(topic, bounds[topic][0], records, bounds[topic][1])
            reader.work()
            progress(sum(map(len, log.values())))


def _bounds(records: Sequence[Record]) -> tuple[int, int]:
    return (records[0].offset, records[-1].offset + 1) if records else (0, 0)


@contextmanager
def topics_history(settings: Settings, since: int | None, until: int | None) -> Iterator["TopicsHistory"]:
    """The input topics, for as long as the block runs.

    `since`: nothing that occurred before it matters; None: everything does. `until`: leave out what occurred later.
    Raises BrokerAway and TopicsError.
    """
    require_broker(settings)
    try:
        consumer = KafkaConsumer(
            **connection(settings),
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            max_poll_records=5_000,
            bootstrap_timeout_ms=BOOTSTRAP_MILLISECONDS,
        )
    except (KafkaError, OSError) as error:
        raise BrokerAway(settings.brokers, "" if isinstance(error, KafkaTimeoutError) else error) from error
    try:
        yield TopicsHistory(consumer, settings, since, until)
    finally:
        consumer.close(autocommit=False)


class TopicsHistory:
    """What the input topics hold, up to their read-committed ends as they are when this is made."""

    def __init__(
        self, consumer: KafkaConsumer, settings: Settings, since: int | None, until: int | None
    ) -> None:
        self._consumer, self._settings, self._until = consumer, settings, until
        self.count = _partitions(consumer)
        every = [TopicPartition(topic, number) for topic in INPUTS for number in range(self.count)]
        self._ends: dict[TopicPartition, int] = consumer.end_offsets(every)
        self._starts: dict[TopicPartition, int] = consumer.beginning_offsets(every)
        self.deleted_before: int | None = None
        self._skip_to(since)
        self.length = sum(end - self._starts[each] for each, end in self._ends.items())

    def _skip_to(self, since: int | None) -> None:
        """Leave out the clicks and transactions that came too early to matter, and note what is missing.

        What occurred at an instant came in five minutes before it or later; profiles hold for ever.
        """
        events = [each for each in self._starts if each.topic != PROFILES]
        wanted = max(0, 0 if since is None else since - AHEAD)
        firsts = self._consumer.offsets_for_times(dict.fromkeys(events, wanted))
        oldest = self._consumer.offsets_for_times(dict.fromkeys(events, 0))
        for each in events:
            first, kept = firsts[each], self._starts[each]
            self._starts[each] = self._ends[each] if first is None else min(first.offset, self._ends[each])
            if kept > 0 and first is not None and first.offset == oldest[each].offset:
                self.deleted_before = max(self.deleted_before or 0, first.timestamp)

    def read(self, reader: Reader, progress: Progress) -> None:
        """Give it all to a reader."""
        for number in range(self.count):
            partitions = [TopicPartition(topic, number) for topic in INPUTS]
            starts = {each.topic: self._starts[each] for each in partitions}
            ends = {each.topic: self._ends[each] for each in partitions}
            reader.begin(number, starts, ends)
            self._read(number, reader, progress, (starts, ends))

    def _read(self, number: int, reader: Reader, progress: Progress, bounds: tuple[Offsets, Offsets]) -> None:
        """One partition.

        The last offsets before an end may be those of transaction markers, which are no records: the consumer's
        position says when the end is reached, not the last record.
        """
        at, ends = bounds
        left = {TopicPartition(topic, number) for topic, end in ends.items() if at[topic] < end}
        self._consumer.assign(left)
        for each in left:
            self._consumer.seek(each, at[each.topic])
        heard = time.monotonic()
        while left:
            fetched = self._fetch(left, reader)
            for each in sorted(left):
                end = min(self._consumer.position(each), ends[each.topic])
                if end > at[each.topic]:
                    records = self._decoded(each.topic, fetched.get(each, ()), end)
                    reader.offer(each.topic, at[each.topic], records, end)
                    progress(end - at[each.topic])
                    at[each.topic], heard = end, time.monotonic()
            reader.work()
            if time.monotonic() - heard > SILENCE_SECONDS:
                raise BrokerAway(self._settings.brokers, f"nothing came for {SILENCE_SECONDS:.0f} seconds")
            left = {each for each in left if at[each.topic] < ends[each.topic]}

    def _fetch(self, left: set[TopicPartition], reader: Reader) -> dict[TopicPartition, Any]:
        """What has come; a topic that is far ahead of the others has to wait."""
        wanted = {each for each in left if reader.buffered(each.topic) < MANY}
        self._consumer.pause(*(self._consumer.assignment() - wanted))
        self._consumer.resume(*wanted)
        fetched: dict[TopicPartition, Any] = self._consumer.poll(timeout_ms=POLL_MILLISECONDS)
        return fetched

    def _decoded(self, topic: str, raw: Sequence[Any], end: int) -> list[Record]:
        records = decode(topic, [record for record in raw if record.offset < end])
        if self._until is None:
            return records
        return [record for record in records if occurred_at(record) <= self._until]


def _partitions(consumer: KafkaConsumer) -> int:
    """How many partitions each of the input topics has."""
    found = {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in INPUTS}
    missing = sorted(topic for topic, count in found.items() if not count)
    if missing:
        raise TopicsError(f"there is no topic {missing[0]}: `segments topics create` makes it")
    if len(set(found.values())) > 1:
        counts = ", ".join(f"{topic} {count}" for topic, count in found.items())
        raise TopicsError(f"the input topics differ in partitions ({counts}): see `segments topics check`")
    return found[PROFILES]
