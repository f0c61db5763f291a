"""A partition that lives through its past once more: it remembers what its rules would have, and publishes nothing."""

from collections.abc import Mapping

from msgspec.structs import replace

from segments.engine.door import Partition
from segments.engine.records import EngineSettings, Record
from segments.engine.rules import RuleSet
from segments.language.nodes.conditions import AllOf
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves, measures_in
from segments.plan import ir


class Listening(RuleSet):
    """Rules that read the same measures, so that the same is kept in the same order, and that nobody is ever in."""

    def __init__(self, rules: RuleSet) -> None:
        segments = [_like(segment, place) for place, segment in enumerate(rules.segments)]
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
    return Segment(id=f"past{place:06}", when=AllOf(measured), details=dict(segment.details))


def listening(rules: RuleSet) -> RuleSet:
    """The rule set that the past is lived through with."""
    return Listening(rules)


class Past:
    """What comes of the records of one partition, by `listening` rules."""

    def __init__(self, number: int, count: int, rules: RuleSet, settings: EngineSettings) -> None:
        self._rules = rules
        self.states: dict[bytes, bytes] = {}
        self._partition = Partition(number, count, rules, settings, self.states)
        self._ends: Mapping[str, int] = {}

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
