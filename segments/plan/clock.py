"""What a rule says of the calendar becomes a plan."""

from segments.language.nodes import calendar as said
from segments.language.nodes.dates import DateComparison, Years
from segments.plan.bounds import comparison
from segments.plan.calendar import During, OfDate, Today
from segments.plan.events import Operator


def during(period: said.Period | None) -> During | None:
    """A period of a rule, as data."""
    return None if period is None else During(period.unit, period.previous)  # type: ignore[arg-type]  # one of these


def today(leaf: said.TodayComparison) -> Today:
    """A condition on now, as data."""
    operator: Operator = "in" if leaf.operator == "is_in" else leaf.operator  # type: ignore[assignment]  # one of these
    return Today(leaf.part, comparison(operator, leaf.bound, leaf.type))  # type: ignore[arg-type]  # one of these


def of_date(leaf: DateComparison) -> OfDate:
    """A comparison of a date of the profile, as data."""
    years = isinstance(leaf.bound, Years)
    bound = leaf.bound.count if isinstance(leaf.bound, Years) else leaf.bound.milliseconds
    return OfDate(leaf.name, leaf.told, leaf.operator, bound, years)  # type: ignore[arg-type]  # one of these
