"""What the rules of the simulation are measured by, and workers with bugs of outcomes."""

from collections.abc import Callable
from typing import Any

from segments.engine import RuleSet
from segments.language import any_event, purchase
from segments.language.nodes.goals import aim
from streams.worker.outbox import SEGMENT_OUTCOMES
from tests.chaos.bugs import _split
from tests.simulation.worker import Worker

SOON = any_event.within(minutes=1)
AIMS: dict[str, tuple[Any, Any, Any]] = {
    "views_2": (SOON, None, 20),
    "twice_a_minute": (SOON, None, None),
    "quiet": (any_event.within(minutes=2), None, 50),
    "spender": (purchase.within(minutes=5), purchase.amount, 50),
}
"""Goal, revenue and control by rule: windows that pass within a schedule."""


def aimed(rules: RuleSet, experiment: str = "") -> RuleSet:
    """The rules, these of them with goals."""
    for each in rules.segments:
        if each.id in AIMS:
            each.aim = aim(*AIMS[each.id], experiment if AIMS[each.id][2] else "", each.id)
    made = RuleSet(rules.segments)
    assert made.data.rules  # they are lowered now: `arm_changes` gives the same segments other aims
    return made


def matured_twice() -> None:
    """Outcomes are committed before the state that knows of them: told again after a kill in between."""
    _split(lambda topic: topic == SEGMENT_OUTCOMES)


def watch_lost() -> None:
    """A restart forgets whom it watched: each worker takes its own watches alone for those of its rules."""
    _restart_with(lambda rules, count: _identified(rules, f"{count:012x}"))


def arm_changes() -> None:
    """Each worker draws its control group anew."""
    _restart_with(lambda rules, count: aimed(rules, f"of worker {count}"))


def _identified(rules: RuleSet, identity: str) -> RuleSet:
    """The same rules, whose watches are no others' than those of this identity."""
    made = RuleSet(rules.segments)
    data: Any = made.data
    with_aims = [_with(rule, aim=rule.aim and _with(rule.aim, identity=identity)) for rule in data.rules]
    made.__dict__["data"] = _with(data, rules=tuple(with_aims))
    return made


def _with(struct: Any, **changes: Any) -> Any:
    fields = {name: getattr(struct, name) for name in struct.__struct_fields__}
    return type(struct)(**fields | changes)


def _restart_with(change: Callable[[RuleSet, int], RuleSet]) -> None:
    begin, started = Worker.__init__, [0]

    def begins(self: Any, network: Any, name: str, rules: RuleSet, *options: Any) -> None:
        started[0] += 1
        begin(self, network, name, change(rules, started[0]), *options)

    Worker.__init__ = begins  # type: ignore[method-assign]


OF_OUTCOMES = {each.__name__: each for each in (matured_twice, watch_lost, arm_changes)}
