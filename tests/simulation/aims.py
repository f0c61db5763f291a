"""Workers with bugs of outcomes: of rules with goals some are told twice, lost, or of other customers."""

from collections.abc import Callable
from typing import Any

from segments.engine import RuleSet
from segments.language.nodes.goals import aim
from streams.worker.outbox import SEGMENT_OUTCOMES
from tests.chaos.bugs import _split
from tests.simulation.worker import Worker

LATER = 60_000
"""Milliseconds by which a goal's window is too long."""


def aimed(rules: RuleSet, experiment: str = "") -> RuleSet:
    """The rules, whose control groups are drawn by the name of this experiment; by default by that of the rule."""
    for each in rules.segments:
        held = each.aim
        if held.goal is not None:
            named = experiment if held.control is not None else ""
            each.aim = aim(held.goal, held.revenue, held.control, named, each.id)
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


def late_goal_counted() -> None:
    """Each worker but the first keeps watches open for a minute longer: goals after the maturity count, too."""
    _restart_with(lambda rules, count: rules if count == 1 else _longer(rules))


def _longer(rules: RuleSet) -> RuleSet:
    """The same rules, whose goals have longer windows and are taken for the same."""
    made = RuleSet(rules.segments)
    data: Any = made.data
    made.__dict__["data"] = _with(data, rules=tuple(_with(rule, aim=_late(rule.aim)) for rule in data.rules))
    return made


def _late(held: Any) -> Any:
    if held is None or held.goal is None:
        return held
    return _with(held, goal=_with(held.goal, window=held.goal.window + LATER))


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

    def begins(self: Any, network: Any, name: str, rules: RuleSet, *options: Any, **named: Any) -> None:
        started[0] += 1
        begin(self, network, name, change(rules, started[0]), *options, **named)

    Worker.__init__ = begins  # type: ignore[method-assign]


OF_OUTCOMES = {each.__name__: each for each in (matured_twice, watch_lost, arm_changes, late_goal_counted)}
