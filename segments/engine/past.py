"""A partition that lives through its past once more: it remembers what its rules would have, and publishes nothing."""

from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from segments.engine.door import Partition
from segments.engine.records import INPUTS, EngineSettings, Record, of_customer
from segments.engine.rules import PlannedRules, RuleSet
from segments.language.nodes.conditions import AllOf
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves, measures_in
from segments.plan import ir


class Listening(RuleSet):
    """Rules that read the same measures, so that the same is kept in the same order, and that nobody is ever in."""

    def __init__(self, rules: RuleSet, wanted: Collection[str]) -> None:
        places = {place for place, name in enumerate(rules.ids) if name in wanted}
        places |= {read for place in places for read in rules.reads[place]}
        segments = [_like(rules.segments[place], place) for place in sorted(places)]
        super().__init__(segments, rules.plan.currency, rules.plan.zone)

    @property
    def data(self) -> ir.Plan:
        """Its plan, with a condition that never holds."""
        never = tuple(replace(rule, when=ir.AtLeastOne(())) for rule in super().data.rules)
        return replace(super().data, rules=never)


def _like(segment: Segment, place: int) -> Segment:
    """What reads the measures of a rule, and is evaluated at its place among the others."""
    held = leaves(segment.when) + leaves(segment.until)
    measured = tuple(leaf for leaf in held if measures_in(leaf))
    told, each = dict(segment.details), segment.for_each
    return Segment(id=f"past{place:06}", for_each=each, when=AllOf(measured), details=told)


def listening(rules: RuleSet, wanted: Collection[str]) -> RuleSet | None:
    """The rule set by which the past is lived through: the measures of these rules, and of those that they read.

    None: they have no measures.
    """
    made = Listening(rules, wanted)
    return made if made.data.measures else None


class Past:
    """What comes of the records of one partition, by `listening` rules."""

    def __init__(
        self, number: int, count: int, rules: RuleSet | PlannedRules, settings: EngineSettings
    ) -> None:
        self._rules = rules
        self.states: dict[bytes, bytes] = {}
        """What came of its records: customers by key, and the partition's own record."""
        self._partition = Partition(number, count, rules, settings, self.states)
        self._ends: Mapping[str, int] = {}

    @property
    def keys(self) -> list[bytes]:
        """Those of its customers, in order."""
        return sorted(key for key in self.states if of_customer(key))

    def begin(self, _number: int, starts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Its records are in [starts, ends)."""
        self._ends = ends
        for topic, offset in starts.items():
            self._partition.begin(topic, offset)
        self.work()

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """Take in a run of them."""
        missing = self._partition.offer(topic, start, records, end)
        assert missing is None

    def work(self) -> None:
        """Apply what can be applied."""
        partition, more = self._partition, True
        partition.confirm(self._ends, partition.stamp, None)
        while more:
            more = partition.advance()
            effects = partition.collect_effects()
            if effects is not None:
                effects.commit_to(self.states)

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
        for topic in INPUTS
    }
    starts = {topic: records[0].offset if records else 0 for topic, records in before.items()}
    ends = {topic: max(starts[topic], filling.offsets.get(topic, 0)) for topic in INPUTS}
    past.begin(partition.number, starts, ends)
    for topic, records in before.items():
        past.offer(topic, starts[topic], records, ends[topic])
    past.work()
    partition.fill(past.states, past.keys)
    partition.filled({})
