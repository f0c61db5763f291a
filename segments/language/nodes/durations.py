"""Lengths of time: whole milliseconds; a day is 24 hours."""

from dataclasses import dataclass

from segments.language.errors import RuleError
from segments.language.nodes.literals import shown

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONGEST = 36_525 * DAY
"""A hundred years, leap days included: nobody looks back further, and sums of a few of them fit 64 bits."""

UNITS = (("days", DAY), ("hours", HOUR), ("minutes", MINUTE), ("seconds", 1000), ("milliseconds", 1))


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in milliseconds, written `days(90)`, `hours(1)`, `hours(1) + minutes(30)`."""

    milliseconds: int

    def __add__(self, other: "Duration") -> "Duration":
        if isinstance(other, bool | int | float | str):
            raise RuleError(
                f"A duration and {shown(other)} cannot be added.", "Write, say, hours(1) + minutes(30)."
            )
        if not isinstance(other, Duration):
            return NotImplemented
        return _bounded(Duration(self.milliseconds + other.milliseconds))

    def parts(self) -> dict[str, int]:
        """The duration in its largest whole units: 36 hours are `{"days": 1, "hours": 12}`."""
        rest, parts = self.milliseconds, {}
        for name, size in UNITS:
            count, rest = divmod(rest, size)
            if count:
                parts[name] = count
        return parts

    def arguments(self) -> str:
        """As the arguments of a step: `days=1, hours=12`."""
        return ", ".join(f"{unit}={count}" for unit, count in self.parts().items()) or "minutes=0"

    def in_one_unit(self) -> str:
        """As the argument of a step, in the largest unit of which it is a whole number: 36 hours are `hours=36`."""
        name, size = next(each for each in UNITS if self.milliseconds % each[1] == 0)
        return f"{name}={self.milliseconds // size}"

    def __str__(self) -> str:
        return " + ".join(f"{unit}({count})" for unit, count in self.parts().items()) or "minutes(0)"


def _duration(unit: str, size: int, count: object) -> Duration:
    if isinstance(count, Duration):
        raise RuleError(f"{unit}({count}): {count} is a duration already.", f"Write {count} alone.")
    if type(count) is not int or count < 0:
        mend = (
            "Use a smaller unit: hours or minutes." if isinstance(count, float) else f"Write, say, {unit}(3)."
        )
        raise RuleError(f"{unit}({shown(count)}): a whole number of {unit} was expected.", mend)
    return _bounded(Duration(count * size))


def _bounded(duration: Duration) -> Duration:
    """The duration, if it is no longer than a hundred years."""
    if duration.milliseconds > LONGEST:
        limit = f"at most a hundred years ({LONGEST // DAY} days)"
        raise RuleError(
            f"A length of time is {limit}; this one is longer.", f"Write days({LONGEST // DAY}), or less."
        )
    return duration


def days(count: int) -> Duration:
    """So many times 24 hours."""
    return _duration("days", DAY, count)


def hours(count: int) -> Duration:
    """So many hours."""
    return _duration("hours", HOUR, count)


def minutes(count: int) -> Duration:
    """So many minutes."""
    return _duration("minutes", MINUTE, count)


def span(step: str, **units: int) -> int:
    """The milliseconds of `days=7, hours=12` in a step such as `within`; there are some."""
    total = Duration(0)
    for unit, count in units.items():
        if isinstance(count, Duration):
            problem = f".{step}({unit}={count}): a whole number of {unit} was expected, a duration came."
            raise RuleError(problem, f"Write .{step}({count.arguments()}).")
        total += _duration(unit, dict(UNITS)[unit], count)
    if not total.milliseconds:
        raise RuleError(f".{step}() needs a length.", f"Write, say, .{step}(days=7).")
    return total.milliseconds
