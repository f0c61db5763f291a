"""What each rule costs to evaluate, and when the events that it reads last came.

Cheap, since both stand beside the hot path: the engine times the rules in one advance of `EVERY`, and tells the kinds
of event of each fetched run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from segments.engine import CLICKSTREAM, PROFILES, TRANSACTIONS, Accepted, Partition, RuleSet
from segments.language.catalogue import EventSet
from segments.language.nodes.conditions import Condition, Consent, ProfileComparison
from segments.language.nodes.text import measures_in
from streams.telemetry.gauges import RuleState

EVERY = 32
"""With the twelve rules shipped a timed advance takes about a tenth longer: all of them together, less than 0.5 %."""

Input = tuple[str, str]
"""A topic and a kind; an empty kind: any."""


class RuleCosts:
    """Times the rules of a worker in a sample of its advances, and remembers when their inputs came."""

    def __init__(self, rules: RuleSet) -> None:
        """Nothing is timed or seen yet."""
        self._rules = rules
        self._seconds = [0.0] * len(rules.ids)
        self._evaluations = [0] * len(rules.ids)
        self._advances = 0
        self._inputs = [_inputs_of(leaves) for leaves in rules.leaves]
        self._seen: dict[Input, int] = {}
        self._kinds = _kinds(self._inputs)

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
            for place, (seconds, evaluations) in enumerate(partition.costs()[: len(self._seconds)]):
                self._seconds[place] += seconds
                self._evaluations[place] += evaluations

    def received(self, topic: str, accepted: Accepted) -> None:
        """Note when the kinds of event that rules read last came."""
        if not len(accepted):
            return
        self._seen[topic, ""] = accepted.last_timestamp
        if topic == PROFILES:
            return
        found = accepted.kinds()
        for kind in found.keys() & self._kinds[topic]:
            self._seen[topic, kind] = found[kind]

    def states(self) -> Iterator[RuleState]:
        """Say what is known of each rule."""
        for place, segment in enumerate(self._rules.ids):
            yield RuleState(
                segment,
                self._seconds[place] * EVERY,
                self._evaluations[place] * EVERY,
                self._quietest(self._inputs[place]),
            )

    def _quietest(self, inputs: Sequence[frozenset[Input]]) -> int | None:
        """Of each set of events the latest that came, and of those the earliest."""
        latest = (max((self._seen.get(each, 0) for each in events), default=0) for events in inputs)
        return min((at for at in latest if at), default=None)


def _inputs_of(leaves: Sequence[Condition]) -> list[frozenset[Input]]:
    """The sets of events that a rule reads, each as the topics and kinds that belong to it."""
    found: list[frozenset[Input]] = []
    for leaf in leaves:
        for measure in measures_in(leaf):
            found += [_belonging(each.source) for each in measure.events.sets]
        if isinstance(leaf, ProfileComparison | Consent):
            found.append(frozenset([(PROFILES, "")]))
    return found


def _belonging(events: EventSet) -> frozenset[Input]:
    return frozenset((topic.name, kind) for topic in events.topics for kind in events.kinds or ("",))


def _kinds(inputs: Sequence[Sequence[frozenset[Input]]]) -> dict[str, frozenset[str]]:
    """By topic the kinds that some rule reads: others, of which there may be any number, are not remembered."""
    named = {each for rule in inputs for events in rule for each in events}
    return {
        topic: frozenset(kind for where, kind in named if where == topic and kind)
        for topic in (CLICKSTREAM, TRANSACTIONS)
    }
