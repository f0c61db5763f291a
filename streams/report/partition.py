"""Read one partition of a report's topics once, up to the end offset."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kafka import TopicPartition

from segments.engine import Records
from segments.insight.outcomes.gathering import Gathering
from segments.insight.outcomes.linked import Linked
from segments.insight.outcomes.period import ALWAYS
from segments.insight.outcomes.sums import Sums
from segments.language.catalogue import CLICKSTREAM, FUTURE, PROFILES, TRANSACTIONS, is_source
from streams.history.reader import Progress
from streams.registry.registry import Registry, connect
from streams.report.fetching import Fetching, fetching
from streams.report.taking import MEMBERSHIPS, takes
from streams.settings.settings import Settings


@dataclass(slots=True)
class Reach:
    """Since when a topic holds all that was written; absent: from its first record on."""

    since: dict[str, int] = field(default_factory=dict)
    """Kafka timestamps by topic."""

    def tell(self, topic: str, timestamp: int) -> None:
        """In one partition records before this one were deleted."""
        self.since[topic] = max(timestamp, self.since.get(topic, ALWAYS))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where the partitions of the topics begin and end."""

    starts: dict[TopicPartition, int]
    ends: dict[TopicPartition, int]
    """In the order in which the topics are read."""
    inputs: bool
    """Whether those of the inputs are among them."""

    def of(self, number: int) -> list[TopicPartition]:
        """Those of one partition, topic by topic."""
        return [each for each in self.ends if each.partition == number]

    def length(self, number: int) -> int:
        """How many offsets a partition has in all topics."""
        return sum(self.ends[each] - self.starts[each] for each in self.of(number))


@dataclass(slots=True)
class Found:
    """What was read: all of it can be added to what was read of other partitions, in any order."""

    sums: Sums
    linked: Linked
    reach: Reach = field(default_factory=Reach)

    def apart(self) -> "Found":
        """Nothing yet, for partitions that are read elsewhere."""
        return Found(self.sums.apart(), self.linked.apart())

    def join(self, other: "Found") -> None:
        """Add what was read of other partitions."""
        self.sums.join(other.sums)
        self.linked.join(other.linked)
        for topic, timestamp in other.reach.since.items():
            self.reach.tell(topic, timestamp)


class PartitionReader:
    """Adds partitions up, one after another, by a consumer of its own."""

    def __init__(self, fetched: Fetching, settings: Settings, bounds: Bounds, found: Found) -> None:
        self._fetched, self._settings, self._bounds, self._found = fetched, settings, bounds, found
        self._registry: Registry | None = connect(settings)

    def read(self, number: int, progress: Progress) -> None:
        """Add all customers of a partition up. Raises BrokerAway."""
        found, bounds = self._found, self._bounds
        gathering = Gathering(
            found.sums,
            self._settings.currency,
            inputs=bounds.inputs,
            reach=self._reach_of_inputs(number),
            linked=found.linked,
        )
        take = takes(gathering)
        for partition in bounds.of(number):
            for records, done in self._records(partition):
                if self._registry is not None:
                    ids = (b"\0" + number.to_bytes(4, "big") for _, number in records.ids())
                    self._registry.learn_all(partition.topic, ids)
                take[PROFILES.name if is_source(partition.topic) else partition.topic](records)
                progress(done)
        gathering.fold()
        # The client leaves cycles around what it fetched: of one partition they may wait, of all they may not.
        gc.collect()

    def _reach_of_inputs(self, number: int) -> int:
        """The instant from which on the inputs of a partition hold all that occurred; ALWAYS: nothing was deleted.

        What occurred at an instant may have come in five minutes before it.
        """
        found = ALWAYS
        for each in self._bounds.of(number):
            if self._bounds.starts[each] == 0 or each.topic == MEMBERSHIPS:
                continue
            first = self._first(each)
            if first is None:
                continue
            self._found.reach.tell(each.topic, first)
            if each.topic in (CLICKSTREAM.name, TRANSACTIONS.name):
                found = max(found, first + FUTURE)
        return found

    def _first(self, partition: TopicPartition) -> int | None:
        """The Kafka timestamp of the first record that is left."""
        if is_source(partition.topic):
            return None
        for records, _ in self._records(partition):
            if records.first_timestamp is not None:
                return records.first_timestamp
        return None

    def _records(self, partition: TopicPartition) -> Iterator[tuple[Records, int]]:
        """Records, and by how many offsets the reader moves on with them."""
        at, end = self._bounds.starts[partition], self._bounds.ends[partition]
        return self._fetched.records(partition.topic, partition.partition, at, end)


@contextmanager
def reader(settings: Settings, bounds: Bounds, found: Found) -> Iterator[PartitionReader]:
    """Who reads partitions and adds them to `found`, for as long as the block runs. Raises BrokerAway."""
    with uncollected(), fetching(settings) as fetched:
        yield PartitionReader(fetched, settings, bounds, found)


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
