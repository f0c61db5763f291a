"""The part of a plan that reads the calendar of its zone: periods, conditions on now, dates of the profile."""

from typing import Literal

import msgspec

from segments.plan.events import Comparison, Operator


class During(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A period of the calendar: only its events count."""

    unit: Literal["day", "week", "month", "year"]
    previous: bool
    """The one before that which contains now."""


class Today(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="today"):
    """What the clock of the zone shows now."""

    part: Literal["hour", "weekday", "month", "day"]
    comparison: Comparison


class OfDate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="date"):
    """A date of the profile, `YYYY-MM-DD`, against a bound; false without one."""

    attribute: str
    told: Literal["remaining", "age", "anniversary"]
    operator: Operator
    bound: int
    """Milliseconds, or years of the calendar."""
    years: bool
    """Whether the bound counts years."""
