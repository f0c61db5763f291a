"""The past of the input topics, read once from where it matters to where it ends now; no group, nothing written.

One partition after another, its topics side by side: what comes first in time is applied first, so that hardly
anything has to wait in memory.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from segments.engine import NEVER, PROFILES, Record
from segments.language.catalogue import FUTURE, inputs, is_source
from streams.errors import BrokerAway, TopicsError
from streams.history.reader import Progress, Reader
from streams.kafka.read_committed import POLL_MILLISECONDS, SILENCE_SECONDS, committed_reader
from streams.registry.registry import connect
from streams.settings.settings import Settings
from streams.worker.decode import decode

MANY = 20_000
"""Records of a topic that wait in memory before it has to wait itself."""

Offsets = dict[str, int]


@dataclass(frozen=True, slots=True)
class Part:
    """One partition, and how far to read its topics."""

    number: int
    ends: Mapping[str, int]


@contextmanager
def topics_history(
    settings: Settings,
    since: int | None,
    until: int | None,
    part: "Part | None" = None,
    topics: Sequence[str] | None = None,
) -> Iterator["TopicsHistory"]:
    """The input topics, for as long as the block runs.

    `since`: nothing that occurred before it matters; None: everything does. `until`: leave out what occurred later.
    `part`: one partition only, and of that what comes before these offsets. `topics`: those of events and profiles;
    None: those of the settings. Raises BrokerAway and TopicsError.
    """
    with committed_reader(settings, reset="none") as consumer:
        yield TopicsHistory(consumer, settings, since, until, part, topics)


class TopicsHistory:
    """What the input topics hold, up to their read-committed ends as they are when this is made."""

    def __init__(
        self,
        consumer: KafkaConsumer,
        settings: Settings,
        since: int | None,
        until: int | None,
        part: Part | None = None,
        topics: Sequence[str] | None = None,
    ) -> None:
        self._topics = inputs(settings.profile_sources) if topics is None else tuple(topics)
        self._consumer, self._settings, self._until = consumer, settings, until
        self._registry = connect(settings)
        self.count = _partitions(consumer, self._topics)
        self._numbers = list(range(self.count)) if part is None else [part.number]
        every = [TopicPartition(topic, number) for topic in self._topics for number in self._numbers]
        self._ends: dict[TopicPartition, int] = consumer.end_offsets(every)
        if part is not None:
            self._ends = {each: part.ends.get(each.topic, 0) for each in every}
        starts = consumer.beginning_offsets(every)
        self._cut = {each for each, start in starts.items() if start > 0 and not is_source(each.topic)}
        """Those of which records were deleted: whether these would matter, the first that is left will tell."""
        self._starts = {each: min(start, self._ends[each]) for each, start in starts.items()}
        self._deleted: dict[TopicPartition, int] = {}
        self._skipped: set[TopicPartition] = set()
        self.deleted_before: int | None = None
        self.latest: int | None = None
        self.out_of_order = 0
        """Neither is known of topics: Kafka's order is taken as it is."""
        self._wanted = max(0, 0 if since is None else since - FUTURE)
        self._skip()
        self.length = sum(end - self._starts[each] for each, end in self._ends.items())

    def bounds(self, number: int) -> tuple[Offsets, Offsets]:
        """Where the topics of a partition begin and end, by topic: the first offset that matters, and the end."""
        places = {topic: TopicPartition(topic, number) for topic in self._topics}
        starts = {topic: self._starts[each] for topic, each in places.items()}
        return starts, {topic: self._ends[each] for topic, each in places.items()}

    def begins(self, topic: str, number: int, timestamp: int) -> None:
        """Note the Kafka timestamp of the first record that a topic still has, in milliseconds."""
        partition = TopicPartition(topic, number)
        if partition in self._cut:
            self._cut.discard(partition)
            if timestamp > self._wanted:
                self._deleted[partition] = timestamp
                self.deleted_before = max(self.deleted_before or 0, timestamp)

    def complete_from(self, topic: str, number: int) -> int | None:
        """The instant from which on all that occurred was read; None: all of it, NEVER: nothing is left of it."""
        each = TopicPartition(topic, number)
        if each in self._cut:
            return NEVER
        if each in self._deleted:
            return self._deleted[each] + FUTURE
        return self._wanted + FUTURE if each in self._skipped else None

    def _skip(self) -> None:
        """Leave out the clicks and transactions that came too early to matter; profiles hold for ever.

        What occurred at an instant came in five minutes before it or later. No answer may mean that nothing came since,
        or that the broker can't tell (as after records were deleted): then all of them are read.
        """
        events = [each for each in self._starts if not is_source(each.topic)]
        if not self._wanted:
            return
        firsts = self._consumer.offsets_for_times(dict.fromkeys(events, self._wanted))
        for each, first in firsts.items():
            if first is not None and first.offset > self._starts[each]:
                self._starts[each] = min(first.offset, self._ends[each])
                self._cut.discard(each)
                self._skipped.add(each)

    def read(self, reader: Reader, progress: Progress) -> None:
        """Give it all to a reader."""
        for number in self._numbers:
            starts, ends = self.bounds(number)
            reader.begin(number, starts, ends)
            self._read(number, reader, progress, (starts, ends))

    def _read(self, number: int, reader: Reader, progress: Progress, bounds: tuple[Offsets, Offsets]) -> None:
        """One partition.

        The last offsets before an end may be those of transaction markers, which are no records: the consumer's
        position says when the end is reached, not the last record.
        """
        at, ends = bounds
        self._consumer.unsubscribe()  # A second reading starts from the beginning.
        left = {TopicPartition(topic, number) for topic, end in ends.items() if at[topic] < end}
        heard = time.monotonic()
        while left:
            wanted = {each for each in left if reader.buffered(each.topic) < MANY}
            fetched = self._fetch(wanted, at)
            for each in sorted(wanted):
                end = min(self._consumer.position(each), ends[each.topic])
                if end > at[each.topic]:
                    records = self._decoded(each, fetched.get(each, ()), end)
                    reader.offer(each.topic, at[each.topic], records, end)
                    progress(end - at[each.topic])
                    at[each.topic], heard = end, time.monotonic()
            reader.work()
            if time.monotonic() - heard > SILENCE_SECONDS:
                raise BrokerAway(self._settings.brokers, f"nothing came for {SILENCE_SECONDS:.0f} seconds")
            left = {each for each in left if at[each.topic] < ends[each.topic]}

    def _fetch(self, wanted: set[TopicPartition], at: Offsets) -> dict[TopicPartition, Any]:
        """What has come of these; a topic that is far ahead of the others is not among them.

        It is not paused: kafka-python 3.0 may keep a partition for ever that is resumed while another was read up.
        """
        if wanted != self._consumer.assignment():
            self._consumer.assign(wanted)
            for each in wanted:
                self._consumer.seek(each, at[each.topic])
        fetched: dict[TopicPartition, Any] = self._consumer.poll(timeout_ms=POLL_MILLISECONDS)
        return fetched

    def _decoded(self, partition: TopicPartition, raw: Sequence[Any], end: int) -> list[Record]:
        if raw:
            self.begins(partition.topic, partition.partition, raw[0].timestamp)
        if self._registry is not None:
            self._registry.learn_all(partition.topic, (record.value for record in raw))
        records = decode(partition.topic, [record for record in raw if record.offset < end])
        if self._until is None:
            return records
        return [record for record in records if record.at <= self._until]


def _partitions(consumer: KafkaConsumer, topics: Sequence[str]) -> int:
    """How many partitions each of the input topics has."""
    found = {topic: len(consumer.partitions_for_topic(topic) or ()) for topic in topics}
    missing = sorted(topic for topic, count in found.items() if not count)
    if missing:
        raise TopicsError(f"there is no topic {missing[0]}: `segments topics create` makes it")
    if len(set(found.values())) > 1:
        counts = ", ".join(f"{topic} {count}" for topic, count in found.items())
        raise TopicsError(f"the input topics differ in partitions ({counts}): see `segments topics check`")
    return found[PROFILES]
