"""The topics of a report, read once to where they end now: one partition after another, topic by topic."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

import schemas
from schemas.records import RECORD_OF_TOPIC, SEGMENT_OUTCOME
from segments.engine import Records
from segments.insight.outcomes.gathering import Gathering
from segments.insight.outcomes.linked import Linked
from segments.insight.outcomes.period import ALWAYS
from segments.insight.outcomes.sums import Sums
from segments.language.catalogue import CLICKSTREAM, FUTURE, PROFILES, TRANSACTIONS
from streams.errors import TopicsError
from streams.history.links import links_in_topic
from streams.history.reader import Progress
from streams.kafka.read_committed import assign, partitions_of, until
from streams.registry.readable import READABLE
from streams.registry.registry import Registry, connect
from streams.report.fetching import Fetching, fetching
from streams.settings.settings import Settings

EVENTS, MEMBERSHIPS, OUTCOMES = "segment-events", "segment-memberships", "segment-outcomes"
OUTPUTS = (EVENTS, MEMBERSHIPS, OUTCOMES)
LAST = 100
"""Records before an end that are read to learn how far a topic has come."""


@dataclass(slots=True)
class Reach:
    """Since when a topic holds all that was written; absent: from its first record on."""

    since: dict[str, int] = field(default_factory=dict)
    """Kafka timestamps by topic."""

    def tell(self, topic: str, timestamp: int) -> None:
        """In one partition records before this one were deleted."""
        self.since[topic] = max(timestamp, self.since.get(topic, ALWAYS))


class Topics:
    """The topics up to their read-committed ends as they are when this is made."""

    def __init__(self, consumer: KafkaConsumer, settings: Settings, *, inputs: bool) -> None:
        """With `inputs` these are read, too. Raises TopicsError for a topic that is missing or of other partitions.

        `consumer` is asked where topics begin and end.
        """
        self._consumer, self._settings, self.inputs = consumer, settings, inputs
        self._registry: Registry | None = connect(settings)
        topics = (*OUTPUTS, *((PROFILES.name, CLICKSTREAM.name, TRANSACTIONS.name) if inputs else ()))
        self.count = self._counted(topics)
        every = [TopicPartition(topic, number) for topic in topics for number in range(self.count)]
        # Those of events first: what memberships hold beyond them has no enter, and does not count as one.
        self._ends: dict[TopicPartition, int] = {}
        for topic in topics:
            self._ends |= consumer.end_offsets([each for each in every if each.topic == topic])
        starts = consumer.beginning_offsets(every)
        self._starts = {each: min(start, self._ends[each]) for each, start in starts.items()}
        self.length = sum(end - self._starts[each] for each, end in self._ends.items())
        self.reach = Reach()

    def _counted(self, topics: tuple[str, ...]) -> int:
        counts = {topic: len(partitions_of(self._consumer, topic)) for topic in topics}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{topic} {count}" for topic, count in counts.items())
            raise TopicsError(f"the topics differ in partitions ({told}): see `segments topics check`")
        return counts[EVENTS]

    def latest(self) -> int:
        """The latest instant that segment events and outcomes tell, in milliseconds; 0: they are empty."""
        partitions = [each for each in self._ends if each.topic in (EVENTS, OUTCOMES)]
        assign(self._consumer, partitions, from_beginning=False)
        for each in partitions:
            self._consumer.seek(each, max(self._starts[each], self._ends[each] - LAST))
        ends = {each: self._ends[each] for each in partitions}
        found = 0
        for batch in until(self._consumer, ends, self._settings):
            for record in batch:
                if self._registry is not None:
                    self._registry.learn_all(record.topic, [record.value])
                event = schemas.decode(RECORD_OF_TOPIC[record.topic], record.value)
                found = max(found, event["occurred_at"])
        return found

    def read(self, sums: Sums, progress: Progress) -> None:
        """Add all customers up."""
        linked = Linked(links_in_topic(self._settings) if self.inputs else ())
        with uncollected(), fetching(self._settings) as fetched:
            self._read(fetched, sums, progress, linked)
        linked.fold(sums)

    def _read(self, fetched: Fetching, sums: Sums, progress: Progress, linked: Linked) -> None:
        for number in range(self.count):
            reach = self._reach_of_inputs(fetched, number)
            gathering = Gathering(
                sums, self._settings.currency, inputs=self.inputs, reach=reach, linked=linked
            )
            for partition in [each for each in self._ends if each.partition == number]:
                take = takes(gathering)[partition.topic]
                for records, done in self._records(fetched, partition):
                    if self._registry is not None:
                        ids = (b"\0" + number.to_bytes(4, "big") for _, number in records.ids())
                        self._registry.learn_all(partition.topic, ids)
                    take(records)
                    progress(done)
            gathering.fold()
            # The client leaves cycles around what it fetched: of one partition they may wait, of all they may not.
            gc.collect()

    def _reach_of_inputs(self, fetched: Fetching, number: int) -> int:
        """The instant from which on the inputs of a partition hold all that occurred; ALWAYS: nothing was deleted.

        What occurred at an instant may have come in five minutes before it.
        """
        found = ALWAYS
        for each in self._ends:
            if each.partition != number or self._starts[each] == 0 or each.topic == MEMBERSHIPS:
                continue
            first = self._first(fetched, each)
            if first is None:
                continue
            self.reach.tell(each.topic, first)
            if each.topic in (CLICKSTREAM.name, TRANSACTIONS.name):
                found = max(found, first + FUTURE)
        return found

    def _first(self, fetched: Fetching, partition: TopicPartition) -> int | None:
        """The Kafka timestamp of the first record that is left."""
        if partition.topic == PROFILES.name:
            return None
        for records, _ in self._records(fetched, partition):
            if records.first_timestamp is not None:
                return records.first_timestamp
        return None

    def _records(self, fetched: Fetching, partition: TopicPartition) -> Iterator[tuple[Records, int]]:
        """Records, and by how many offsets the reader moves on with them."""
        at, end = self._starts[partition], self._ends[partition]
        return fetched.records(partition.topic, partition.partition, at, end)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the search for cycles of objects, which millions of rows have none of: it takes a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def takes(gathering: Gathering) -> dict[str, Callable[[Records], None]]:
    """By topic what takes in records; one that can't be decoded, or has another key, is a dead letter, no number."""
    return {
        EVENTS: _of(EVENTS, gathering.event),
        OUTCOMES: _outcomes(gathering),
        CLICKSTREAM.name: _doings(CLICKSTREAM.name, gathering),
        TRANSACTIONS.name: _doings(TRANSACTIONS.name, gathering),
        MEMBERSHIPS: _keyed(MEMBERSHIPS, lambda key, found, _: gathering.memberships(key, found)),
        PROFILES.name: _keyed(PROFILES.name, gathering.profile),
    }


def _outcomes(gathering: Gathering) -> Callable[[Records], None]:
    """By the engine those that our schema wrote, all others one by one."""
    ours, one_by_one = schemas.written_id(SEGMENT_OUTCOME), _of(OUTCOMES, gathering.outcome)

    def take(records: Records) -> None:
        found = records.outcomes(ours)
        if found is None:
            one_by_one(records)
        else:
            gathering.outcomes(*found)

    return take


def _doings(topic: str, gathering: Gathering) -> Callable[[Records], None]:
    name = RECORD_OF_TOPIC[topic]
    return lambda records: gathering.doings(name, records, READABLE)


def _of(topic: str, take: Callable[[Any], None]) -> Callable[[Records], None]:
    name, decode, wrong = RECORD_OF_TOPIC[topic], schemas.decode, schemas.DecodeError

    def taken(records: Records) -> None:
        for _, _, key, value in records.raw():
            if key is None or value is None:
                continue
            try:
                found = decode(name, value)
            except wrong:
                continue
            if found["customer_id"].encode() == key:
                take(found)

    return taken


def _keyed(topic: str, take: Callable[[str, Any, int], None]) -> Callable[[Records], None]:
    """Records whose value may be null."""

    def taken(records: Records) -> None:
        for _, timestamp, key, value in records.raw():
            if key is None:
                continue
            try:
                found = None if value is None else schemas.decode(RECORD_OF_TOPIC[topic], value)
                customer = key.decode()
            except (schemas.DecodeError, UnicodeDecodeError):
                continue
            take(customer, found, timestamp)

    return taken
