"""What a rule is for: the goal that an enter is to lead to, its revenue, and the customers held out to compare with."""

from dataclasses import dataclass
from decimal import Decimal

from segments.language.catalogue import Type
from segments.language.errors import RuleError
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field, came, is_a
from segments.language.nodes.literals import shown, text

LARGEST_CONTROL = 50
"""Percent: with more of them held out, the control group would be the larger one."""
HUNDREDTHS = -2
"""The exponent of the last digit that a percentage may have: a split draws from 10,000 customers."""
EXAMPLE = "goal=purchase.within(days=7)"


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """What a rule is measured by; no part of its version."""

    goal: Events | None
    """The events that an enter is to lead to, within a window that begins at the enter."""
    revenue: Field | None
    """The money of such an event."""
    control: int | Decimal | None
    """Percent of all customers who are left alone."""
    experiment: str
    """The name by which those are drawn."""

    @property
    def window(self) -> int:
        """Milliseconds after an enter in which the events of the goal count; 0: there is no goal."""
        return 0 if self.goal is None else self.goal.window or 0


def aim(
    goal: object,
    revenue: object,
    control: object,
    experiment: object,
    name: str,
    for_each: Field | None = None,
) -> Aim:
    """What an author wrote for a rule of this id, `for_each` a field. Raises RuleError for what can't be measured."""
    found = None if goal is None else _goal(goal, for_each)
    of = None if revenue is None else _revenue(revenue, found)
    share = None if control is None else _control(control)
    if not is_a(str, experiment):
        problem = f"experiment={came(experiment)}: the name of an experiment was expected."
        raise RuleError(problem, 'Write experiment="winter".')
    return Aim(found, of, share, text(str(experiment), "experiment=") or name)


def _goal(goal: object, for_each: Field | None) -> Events:
    if not isinstance(goal, Events):
        mend = f"Write {EXAMPLE}: events and a window, without a measure and without a comparison."
        raise RuleError(f"goal={came(goal)}: a set of events was expected.", mend)
    if goal.source.visits:
        problem = "goal=visit: a visit is no event of its own, but the first of several."
        raise RuleError(problem, "Write on_site for all that is done on the site, or page_view.")
    not_of_goals = {
        "since": goal.reset,
        "after": goal.follows,
        "ago": goal.offset,
        "same": goal.match,
        "during": goal.period,
    }
    for step, held in not_of_goals.items():
        if held is not None:
            problem = f"goal={goal.name}.{step}(...): a goal is narrowed by where and within only."
            raise RuleError(problem, f"Write {EXAMPLE}; it counts from the enter on.")
    if goal.key is not None:
        _by(goal.name, goal.key, for_each)
    if goal.window is None:
        mend = f"Say how long after the enter it counts: goal={goal.name}.within(days=7)."
        raise RuleError(
            f"goal={goal.name}: it has no within, so it would be waited for without an end.", mend
        )
    return goal


def _by(name: str, key: Field, for_each: Field | None) -> None:
    """In a rule with values the goal is of events that have the value which was entered."""
    if for_each is None:
        problem = (
            f"goal={name}.by({key}): by asks for the value that was entered, and this rule has no for_each."
        )
        raise RuleError(problem, f"Leave by out: {EXAMPLE}.")
    if key.type is not for_each.type:
        problem = f"goal={name}.by({key}): it is of another type than for_each={for_each}."
        raise RuleError(problem, "Write a field of the type of for_each.")


def _revenue(revenue: object, goal: Events | None) -> Field:
    if goal is None:
        raise RuleError(
            f"revenue={came(revenue)}: there is no goal whose revenue it is.",
            f"Write {EXAMPLE} beside it, or leave it out.",
        )
    if not isinstance(revenue, Field) or revenue.type is not Type.MONEY:
        given = str(revenue) if isinstance(revenue, Field) else came(revenue)
        problem = f"revenue={given}: a field of money was expected."
        raise RuleError(problem, "Write revenue=purchase.amount, or revenue=purchase.items.total.")
    if revenue.events != goal.source:
        problem = f"revenue={revenue}: it is a field of {revenue.events}, and the goal is of {goal.name}."
        raise RuleError(problem, "Write a field of the events of the goal, or leave revenue out.")
    return revenue


def _control(control: object) -> int | Decimal:
    if type(control) not in (int, float, Decimal):
        problem = f"control={came(control)}: a percentage of the customers was expected."
        raise RuleError(problem, "Write control=10 for one customer in ten.")
    share = Decimal(repr(control)) if isinstance(control, float) else Decimal(str(control))
    if not share.is_finite() or not 0 < share <= LARGEST_CONTROL:
        problem = (
            f"control={shown(control)}: a percentage over 0 and of at most {LARGEST_CONTROL} was expected."
        )
        raise RuleError(problem, "Write control=10 for one customer in ten.")
    if share != round(share, -HUNDREDTHS):
        problem = f"control={shown(control)}: a percentage has two decimals at most."
        raise RuleError(problem, f"Write control={round(share, -HUNDREDTHS).normalize():f}.")
    return int(share) if share == share.to_integral_value() else share.normalize()
