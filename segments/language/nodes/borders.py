"""Borders: bounds that are learned from all customers, `orders.sum(purchase.amount) >= top(percent=10)`."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from segments.language.errors import RuleError, here
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.fields import NoTruth
from segments.language.nodes.literals import number, shown

if TYPE_CHECKING:
    from segments.language.nodes.measures import Measure

OPERATORS = (">=", ">", "<", "<=")
WHOLE = 100
"""Per cent."""
EXAMPLE = "top(percent=10)"


@dataclass(frozen=True, slots=True)
class Top(NoTruth):
    """The value that the best N per cent of the customers reach; deployments carry it, rules do not."""

    percent: int | Decimal
    """Over 0 and under 100, with at most two decimals."""

    def __str__(self) -> str:
        return f"top(percent={format(Decimal(self.percent), 'f')})"


def top(*given: Any, percent: Any = None) -> Top:
    """Compare with the value that the best N per cent of the customers reach.

    The border is the value of the last customer of those per cent. `segments borders update` takes it from all
    customers and publishes it; before that, a rule that reads it is false.
    """
    if given or percent is None:
        came = ", ".join(map(shown, given))
        raise RuleError(f"top({came}): a percentage was expected.", f"Write {EXAMPLE}.")
    if type(percent) not in (int, float, Decimal):
        raise RuleError(f"top(percent={shown(percent)}): a number was expected.", f"Write {EXAMPLE}.")
    exact = number(percent, "top(percent=...)")
    if not 0 < exact < WHOLE:
        problem = f"top(percent={shown(percent)}): a number over 0 and under 100 was expected."
        raise RuleError(problem, f"Write {EXAMPLE}.")
    if Decimal(exact) * 100 % 1:
        problem = f"top(percent={shown(percent)}): at most two decimals were expected."
        raise RuleError(problem, "Write, say, top(percent=0.25).")
    return Top(exact)


def ranked(measure: "Measure", operator: str, bound: Top) -> Comparison:
    """A comparison of a measure with a border."""
    if operator not in OPERATORS:
        problem = f"{measure.name} {operator} {bound}: a border is a place in an order."
        raise RuleError(problem, "Compare it with >=, >, < or <=.")
    if measure.is_text:
        problem = f"{measure.name}({measure.field}) is a text, which has no border."
        raise RuleError(problem, "Take a measure that is a number or a duration.")
    if measure.events.key is not None:
        problem = (
            f"{measure.name} with by has a value for each {measure.events.key}, and {bound} is of customers."
        )
        raise RuleError(problem, "Leave by out.")
    return Comparison(measure, operator, bound, here())


def top_of(leaf: object) -> Top | None:
    """The border that a leaf compares with, if it does."""
    bound = leaf.bound if isinstance(leaf, Comparison) else None
    return bound if isinstance(bound, Top) else None
