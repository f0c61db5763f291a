"""A partition that lives through its past once more: it remembers what its rules would have, and publishes nothing."""

from collections.abc import Collection, Mapping, Sequence

from segments.engine._native import Outbox, Records, Schemas, States
from segments.engine.door import Partition
from segments.engine.records import EngineSettings, Record, of_customer
from segments.engine.rules import PlannedRules, RuleSet
from segments.plan.keeping import only


def listening(rules: RuleSet | PlannedRules, measures: Collection[str]) -> PlannedRules | None:
    """The rule set by which the past is lived through: these measures of a rule set, and no rule.

    None: it has none of them that can be told from the past.
    """
    made = only(rules.data, measures)
    return PlannedRules(made.to_bytes()) if made.measures else None


class Past:
    """What comes of the records of one partition, by `listening`."""

    def __init__(
        self, number: int, count: int, rules: RuleSet | PlannedRules, settings: EngineSettings
    ) -> None:
        self.states = States()
        """What came of its records: customers by key, and the partition's own record."""
        self._partition = Partition(number, count, rules, settings, self.states)
        self._outbox = Outbox("", number, 0, 0, 0)
        self._ends: dict[str, int] = {}

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics of its records."""
        return self._partition.inputs

    @property
    def keys(self) -> list[bytes]:
        """Those of its customers, in order."""
        return sorted(key for key in self.states.keys() if of_customer(key))  # noqa: SIM118 - no dict

    def begin(self, _number: int, starts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Its records are in [starts, ends)."""
        self._ends = dict(ends)
        for topic, offset in starts.items():
            self._partition.begin(topic, offset)
        self.work()

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """Take in a run of them."""
        missing = self._partition.offer(topic, start, records, end)
        assert missing is None

    def offer_fetched(self, topic: str, records: Records, readable: Schemas) -> None:
        """Take in a run of them as it was fetched; one that goes beyond the end is taken in as a whole."""
        end = records.end
        missing, _ = self._partition.offer_fetched(topic, records, readable, [])
        assert missing is None
        self._ends[topic] = max(end, self._ends[topic])

    def work(self) -> None:
        """Apply what can be applied."""
        partition, more = self._partition, True
        partition.confirm(self._ends, partition.stamp, None)
        while more:
            more = partition.advance()
            transaction = partition.collect(self._outbox, 0)
            if transaction is not None:
                transaction.apply_to(self.states)

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait for those of the others."""
        return self._partition.buffered(topic)


def fill_at_once(partition: Partition, log: Mapping[str, Sequence[Record]]) -> None:
    """Fill what is to be filled in a partition, from a log that has all that it applied."""
    filling, asked = partition.filling, partition.filled_by
    assert filling is not None
    assert asked is not None
    assert asked.rules is not None
    past = Past(partition.number, partition.count, asked.rules, partition.settings)
    before = {
        topic: [each for each in log.get(topic, ()) if each.offset < filling.offsets.get(topic, 0)]
        for topic in past.inputs
    }
    starts = {topic: records[0].offset if records else 0 for topic, records in before.items()}
    ends = {topic: max(starts[topic], filling.offsets.get(topic, 0)) for topic in past.inputs}
    past.begin(partition.number, starts, ends)
    for topic, records in before.items():
        past.offer(topic, starts[topic], records, ends[topic])
    past.work()
    partition.fill(past.states, past.keys)
    partition.filled({})
