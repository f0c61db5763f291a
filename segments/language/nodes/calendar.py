"""The calendar of the time zone: periods such as this week, and conditions on what the clock shows now."""

import difflib
from dataclasses import dataclass
from typing import Any

from segments.language.catalogue import CALENDAR, Type
from segments.language.catalogue import DAY as DATE
from segments.language.errors import Origin, RuleError, here
from segments.language.nodes.conditions import Condition
from segments.language.nodes.durations import HOUR
from segments.language.nodes.fields import NoTruth, came, is_a, value, values
from segments.language.nodes.literals import Value

LONGEST = {"day": 26 * HOUR, "week": 170 * HOUR, "month": 746 * HOUR, "year": 8_786 * HOUR}
"""Milliseconds that a period is taken to last at most: its days of 24 hours, and two for what a clock is put back."""


@dataclass(frozen=True, slots=True)
class Period:
    """A period of the calendar: the one that contains now, or the one before."""

    name: str
    """As a rule writes it: `last week`."""
    unit: str
    """`day`, `week` (from Monday on), `month` or `year`."""
    previous: bool

    @property
    def longest(self) -> int:
        """How long an event matters at most, in milliseconds."""
        return LONGEST[self.unit] * (2 if self.previous else 1)


PERIODS = {
    name: Period(name, unit, previous)
    for name, unit, previous in (
        ("today", "day", False),
        ("yesterday", "day", True),
        ("this week", "week", False),
        ("last week", "week", True),
        ("this month", "month", False),
        ("last month", "month", True),
        ("this year", "year", False),
        ("last year", "year", True),
    )
}
"""The periods that a rule can name."""


def period_of(given: object) -> Period:
    """The period that an author named."""
    if is_a(str, given) and given in PERIODS:
        return PERIODS[str(given)]
    near = difflib.get_close_matches(str(given).lower().replace("_", " "), PERIODS, n=1)
    mend = f'Did you mean .during("{near[0]}")?' if near else f"There are: {', '.join(PERIODS)}."
    raise RuleError(f"during({came(given)}): a period of the calendar was expected.", mend)


PARTS = {each.name: each.type for each in (*CALENDAR, DATE)}
"""What a condition on now may ask, with its type."""


@dataclass(frozen=True, slots=True, eq=False)
class TodayComparison(Condition):
    """What the clock of the zone shows now, against a bound."""

    part: str
    """`hour` (0 to 23), `weekday` (`monday` …), `month` (1 to 12) or `day` (`2026-11-29`)."""
    operator: str
    bound: Value | tuple[Value, ...]
    origin: Origin

    @property
    def type(self) -> Type:
        """What the clock shows."""
        return PARTS[self.part]


@dataclass(frozen=True, slots=True, eq=False)
class TodayPart(NoTruth):
    """What the clock shows now, to be compared: `today.hour >= 18`."""

    part: str

    def _compare(self, operator: str, bound: object) -> TodayComparison:
        return TodayComparison(self.part, operator, value(bound, f"today.{self.part}"), here())

    def is_in(self, *bounds: Any) -> TodayComparison:
        """True if it is one of these values."""
        return TodayComparison(self.part, "is_in", values(bounds, f"today.{self.part}"), here())

    def __eq__(self, bound: object) -> TodayComparison:  # type: ignore[override]
        return self._compare("==", bound)

    def __ne__(self, bound: object) -> TodayComparison:  # type: ignore[override]
        return self._compare("!=", bound)

    def __ge__(self, bound: object) -> TodayComparison:
        return self._compare(">=", bound)

    def __gt__(self, bound: object) -> TodayComparison:
        return self._compare(">", bound)

    def __le__(self, bound: object) -> TodayComparison:
        return self._compare("<=", bound)

    def __lt__(self, bound: object) -> TodayComparison:
        return self._compare("<", bound)

    __hash__ = object.__hash__


class Today(NoTruth):
    """Now, as the clock of the time zone shows it."""

    __slots__ = ()
    hour = TodayPart("hour")
    """0 to 23."""
    weekday = TodayPart("weekday")
    """`"monday"` …"""
    month = TodayPart("month")
    """1 to 12."""
    day = TodayPart("day")
    """`"2026-11-29"`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        mend = 'Write today.hour, today.weekday, today.month or today.day, which is the date: "2026-11-29".'
        raise RuleError(f"today has no {name!r}.", mend)
