"""The topics of a report, read once to where they end now: one partition after another, topic by topic."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

import schemas
from schemas.records import RECORD_OF_TOPIC
from segments.insight.outcomes.gathering import Gathering
from segments.insight.outcomes.period import ALWAYS
from segments.insight.outcomes.sums import Sums
from segments.language.catalogue import CLICKSTREAM, PROFILES, TRANSACTIONS
from streams.errors import TopicsError
from streams.history.files import FUTURE
from streams.history.reader import Progress
from streams.kafka.read_committed import assign, partitions_of, until
from streams.registry.registry import Registry, connect
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
        """With `inputs` these are read, too. Raises TopicsError for a topic that is missing or of other partitions."""
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
                self._learn(record.topic, [record])
                event = schemas.decode(RECORD_OF_TOPIC[record.topic], record.value)
                found = max(found, event["occurred_at"])
        return found

    def read(self, sums: Sums, progress: Progress) -> None:
        """Add all customers up."""
        for number in range(self.count):
            reach = self._reach_of_inputs(number)
            gathering = Gathering(sums, self._settings.currency, inputs=self.inputs, reach=reach)
            for partition in [each for each in self._ends if each.partition == number]:
                take = takes(gathering)[partition.topic]
                for batch, done in self._records(partition):
                    self._learn(partition.topic, batch)
                    for record in batch:
                        take(record)
                    progress(done)
            gathering.fold()

    def _reach_of_inputs(self, number: int) -> int:
        """The instant from which on the inputs of a partition hold all that occurred; ALWAYS: nothing was deleted.

        What occurred at an instant may have come in five minutes before it.
        """
        found = ALWAYS
        for each in self._ends:
            if each.partition != number or self._starts[each] == 0 or each.topic == MEMBERSHIPS:
                continue
            first = self._first(each)
            if first is None:
                continue
            self.reach.tell(each.topic, first)
            if each.topic in (CLICKSTREAM.name, TRANSACTIONS.name):
                found = max(found, first + FUTURE)
        return found

    def _first(self, partition: TopicPartition) -> int | None:
        """The Kafka timestamp of the first record that is left."""
        if partition.topic == PROFILES.name:
            return None
        for batch, _ in self._records(partition):
            if batch:
                return int(batch[0].timestamp)
        return None

    def _records(self, partition: TopicPartition) -> Iterator[tuple[list[Any], int]]:
        """Batches, and by how many offsets the reader moves on with each."""
        at, end = self._starts[partition], self._ends[partition]
        if at >= end:
            return
        self._consumer.assign([partition])
        self._consumer.seek(partition, at)
        for batch in until(self._consumer, {partition: end}, self._settings):
            position = min(self._consumer.position(partition), end)
            yield batch, position - at
            at = position
        yield [], end - at

    def _learn(self, topic: str, records: list[Any]) -> None:
        if self._registry is not None:
            self._registry.learn_all(topic, (record.value for record in records if record.value is not None))


def takes(gathering: Gathering) -> dict[str, Callable[[Any], None]]:
    """By topic what takes in a record; one that can't be decoded, or has another key, is a dead letter, no number."""
    return {
        EVENTS: _of(EVENTS, gathering.event),
        OUTCOMES: _of(OUTCOMES, gathering.outcome),
        CLICKSTREAM.name: _of(CLICKSTREAM.name, gathering.click),
        TRANSACTIONS.name: _of(TRANSACTIONS.name, gathering.transaction),
        MEMBERSHIPS: lambda record: _keyed(MEMBERSHIPS, record, gathering.memberships),
        PROFILES.name: lambda record: _keyed(
            PROFILES.name, record, lambda key, found: gathering.profile(key, found, record.timestamp)
        ),
    }


def _of(topic: str, take: Callable[[Any], None]) -> Callable[[Any], None]:
    name, decode, wrong = RECORD_OF_TOPIC[topic], schemas.decode, schemas.DecodeError

    def taken(record: Any) -> None:
        try:
            found = decode(name, record.value)
        except (wrong, TypeError):
            return
        if record.key is not None and found["customer_id"].encode() == record.key:
            take(found)

    return taken


def _keyed(topic: str, record: Any, take: Callable[[str, Any], None]) -> None:
    """A record that may be null."""
    if record.key is None:
        return
    try:
        found = None if record.value is None else schemas.decode(RECORD_OF_TOPIC[topic], record.value)
        take(record.key.decode(), found)
    except (schemas.DecodeError, UnicodeDecodeError):
        return
