"""What each rule costs to evaluate, and when the events that it reads last came.

Cheap, since both stand beside the hot path: the engine times the rules in one advance of `EVERY`, and tells the kinds
of event of each fetched run.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from segments.engine import (
    Accepted,
    Partition,
    PlannedRules,
    RuleSet,
    controls_of,
    inputs_of,
)
from segments.language.catalogue import EVENT_TOPICS, is_source
from streams.telemetry.gauges import RuleState

EVERY = 32
"""With the twelve rules shipped a timed advance takes about a tenth longer: all of them together, less than 0.5 %."""

Input = tuple[str, str]
"""A topic and a kind; an empty kind: any."""


class RuleCosts:
    """Times the rules of a worker in a sample of its advances, and remembers when their inputs came."""

    def __init__(self, rules: RuleSet | PlannedRules) -> None:
        """Nothing is timed or seen yet."""
        self._seconds: dict[str, float] = defaultdict(float)
        self._evaluations: Counter[str] = Counter()
        self._advances = 0
        self._seen: dict[Input, int] = {}
        self._inputs: dict[str, list[frozenset[Input]]] = {}
        self.follow(rules)

    def follow(self, rules: RuleSet | PlannedRules) -> None:
        """Tell of these rules from now on: partitions take a deployment over one after the other."""
        self._inputs = inputs_of(rules)
        self._controls = controls_of(rules)
        self._kinds = _kinds(list(self._inputs.values()))

    @contextmanager
    def sampling(self, partition: Partition) -> Iterator[None]:
        """Time the rules of a partition in this block, if its turn has come."""
        self._advances += 1
        if self._advances % EVERY != 1:
            yield
            return
        partition.time_rules(True)
        try:
            yield
        finally:
            partition.time_rules(False)
            for name, (seconds, evaluations) in zip(partition.rules.ids, partition.costs(), strict=False):
                self._seconds[name] += seconds
                self._evaluations[name] += evaluations

    def received(self, topic: str, accepted: Accepted) -> None:
        """Note when the kinds of event that rules read last came."""
        if not len(accepted):
            return
        self._seen[topic, ""] = accepted.last_timestamp
        if is_source(topic):
            return
        found = accepted.kinds()
        for kind in found.keys() & self._kinds.get(topic, frozenset()):
            self._seen[topic, kind] = found[kind]

    def states(self) -> Iterator[RuleState]:
        """Say what is known of each rule."""
        for segment, inputs in self._inputs.items():
            yield RuleState(
                segment,
                self._seconds[segment] * EVERY,
                self._evaluations[segment] * EVERY,
                self._quietest(inputs),
                self._controls.get(segment),
            )

    def _quietest(self, inputs: Sequence[frozenset[Input]]) -> int | None:
        """Of each set of events the latest that came, and of those the earliest."""
        latest = (max((self._seen.get(each, 0) for each in events), default=0) for events in inputs)
        return min((at for at in latest if at), default=None)


def _kinds(inputs: Sequence[Sequence[frozenset[Input]]]) -> dict[str, frozenset[str]]:
    """By topic the kinds that some rule reads: others, of which there may be any number, are not remembered."""
    named = {each for rule in inputs for events in rule for each in events}
    return {
        topic: frozenset(kind for where, kind in named if where == topic and kind)
        for topic in (each.name for each in EVENT_TOPICS)
    }
