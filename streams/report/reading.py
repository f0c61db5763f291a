"""The topics of a report, read once to where they end now: one partition after another, or several at once."""

from collections.abc import Sequence

from kafka import KafkaConsumer, TopicPartition

import schemas
from schemas.records import RECORD_OF_TOPIC
from segments.insight.outcomes.linked import Linked
from segments.insight.outcomes.sums import Sums
from segments.language.catalogue import CLICKSTREAM, TRANSACTIONS
from streams.errors import TopicsError
from streams.history.links import links_in_topic
from streams.history.reader import Progress
from streams.kafka.read_committed import assign, partitions_of, until
from streams.kafka.topics import profiles
from streams.registry.registry import Registry, connect
from streams.report.partition import Bounds, Found, reader
from streams.report.processes import in_processes, worth
from streams.report.taking import EVENTS, MEMBERSHIPS, OUTCOMES
from streams.settings.settings import Settings

OUTPUTS = (EVENTS, MEMBERSHIPS, OUTCOMES)
LAST = 100
"""Records before an end that are read to learn how far a topic has come."""


class Topics:
    """The topics up to their read-committed ends as they are when this is made."""

    def __init__(
        self, consumer: KafkaConsumer, settings: Settings, *, inputs: bool, sources: Sequence[str] = ()
    ) -> None:
        """With `inputs` these are read, too. Raises TopicsError for a topic that is missing or of other partitions.

        `consumer` is asked where topics begin and end. `sources`: the profile sources beside `profiles`.
        """
        self._consumer, self._settings, self.inputs = consumer, settings, inputs
        self._registry: Registry | None = connect(settings)
        topics = (*OUTPUTS, *((*profiles(sources), CLICKSTREAM.name, TRANSACTIONS.name) if inputs else ()))
        self.count = self._counted(topics)
        every = [TopicPartition(topic, number) for topic in topics for number in range(self.count)]
        # Those of events first: what memberships hold beyond them has no enter, and does not count as one.
        ends: dict[TopicPartition, int] = {}
        for topic in topics:
            ends |= consumer.end_offsets([each for each in every if each.topic == topic])
        starts = consumer.beginning_offsets(every)
        starts = {each: min(start, ends[each]) for each, start in starts.items()}
        self._topics, self._bounds = topics, Bounds(starts, ends, inputs)
        self.length = sum(map(self._bounds.length, range(self.count)))
        self.reach: dict[str, int] = {}
        """By topic since when it holds all that was written, once it was read; absent: from its first record on.

        Kafka timestamps, in the order of the topics.
        """

    def _counted(self, topics: tuple[str, ...]) -> int:
        counts = {topic: len(partitions_of(self._consumer, topic)) for topic in topics}
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{topic} {count}" for topic, count in counts.items())
            raise TopicsError(f"the topics differ in partitions ({told}): see `segments topics check`")
        return counts[EVENTS]

    def latest(self) -> int:
        """The latest instant that segment events and outcomes tell, in milliseconds; 0: they are empty."""
        partitions = [each for each in self._bounds.ends if each.topic in (EVENTS, OUTCOMES)]
        assign(self._consumer, partitions, from_beginning=False)
        for each in partitions:
            self._consumer.seek(each, max(self._bounds.starts[each], self._bounds.ends[each] - LAST))
        ends = {each: self._bounds.ends[each] for each in partitions}
        found = 0
        for batch in until(self._consumer, ends, self._settings):
            for record in batch:
                if self._registry is not None:
                    self._registry.learn_all(record.topic, [record.value])
                event = schemas.decode(RECORD_OF_TOPIC[record.topic], record.value)
                found = max(found, event["occurred_at"])
        return found

    def read(self, sums: Sums, progress: Progress) -> None:
        """Add all customers up, in as many processes as is worth it. Raises BrokerAway."""
        found = Found(sums, Linked(links_in_topic(self._settings) if self.inputs else ()))
        processes = worth(self.length, self.count)
        if processes > 1:
            numbers = sorted(range(self.count), key=self._bounds.length, reverse=True)
            in_processes(processes, numbers, self._settings, self._bounds, found, progress)
        else:
            with reader(self._settings, self._bounds, found) as each:
                for number in range(self.count):
                    each.read(number, progress)
        found.linked.fold(sums)
        self.reach = {topic: found.reach.since[topic] for topic in self._topics if topic in found.reach.since}
