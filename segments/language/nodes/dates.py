"""Dates of the profile: the time until one, since one, and until its day and month come again."""

from dataclasses import dataclass
from typing import Any

from segments.language.errors import Origin, RuleError, here
from segments.language.nodes.conditions import Condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import NoTruth, came
from segments.language.nodes.literals import shown

OLDEST = 150
"""Years: nobody is older, and few contracts are."""
EXAMPLE = 'profile("contract_ends").date.remaining <= days(30)'


@dataclass(frozen=True, slots=True)
class Years:
    """A number of years of the calendar: the same date that many years later."""

    count: int

    def __str__(self) -> str:
        return f"years({self.count})"

    __repr__ = __str__


def years(count: int) -> Years:
    """So many years of the calendar, which the age of a date is compared with."""
    if type(count) is not int or not 0 <= count <= OLDEST:
        problem = f"years({shown(count)}): a whole number of years, at most {OLDEST}, was expected."
        raise RuleError(problem, "Write, say, years(65).")
    return Years(count)


@dataclass(frozen=True, slots=True, eq=False)
class DateComparison(Condition):
    """What is told of a date of the profile, against a length of time; false without such a date."""

    name: str
    """Of the attribute."""
    told: str
    """`remaining`, `age` or `anniversary`."""
    operator: str
    bound: Duration | Years
    origin: Origin


@dataclass(frozen=True, slots=True, eq=False)
class DateMeasure(NoTruth):
    """What is told of a date of the profile, to be compared."""

    name: str
    told: str

    def __str__(self) -> str:
        return f'profile("{self.name}").date.{self.told}'

    def _compare(self, operator: str, bound: object) -> DateComparison:
        if isinstance(bound, Years) and self.told != "age":
            problem = f"{self} is compared with {bound}, and is never so long as a year."
            if self.told == "remaining":
                problem = f"{self} is compared with {bound}: only an age is told in years of the calendar."
            raise RuleError(problem, f"Write days({365 * bound.count}), say.")
        if not isinstance(bound, Duration | Years):
            mend = "Write a length of time, say days(30)."
            if type(bound) is int:
                unit = "years" if self.told == "age" else "days"
                mend = f"Write {unit}({shown(bound)}), or another length of time."
            what = came(bound).removesuffix(" without a bound")
            raise RuleError(f"{self} is compared with {what}, which is no length of time.", mend)
        return DateComparison(self.name, self.told, operator, bound, here())

    def is_in(self, *_bounds: Any) -> DateComparison:
        """Of a length of time there is no `is_in`."""
        raise RuleError(f"{self} is a length of time.", "Compare it with >= or <.")

    def __eq__(self, bound: object) -> DateComparison:  # type: ignore[override]
        return self._compare("==", bound)

    def __ne__(self, bound: object) -> DateComparison:  # type: ignore[override]
        return self._compare("!=", bound)

    def __ge__(self, bound: object) -> DateComparison:
        return self._compare(">=", bound)

    def __gt__(self, bound: object) -> DateComparison:
        return self._compare(">", bound)

    def __le__(self, bound: object) -> DateComparison:
        return self._compare("<=", bound)

    def __lt__(self, bound: object) -> DateComparison:
        return self._compare("<", bound)

    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True, eq=False)
class ProfileDate(NoTruth):
    """An attribute of the profile as a date, `YYYY-MM-DD`: the start of that day in the time zone."""

    name: str

    @property
    def remaining(self) -> DateMeasure:
        """The time left until the date; it has a value only before it."""
        return DateMeasure(self.name, "remaining")

    @property
    def age(self) -> DateMeasure:
        """The time since the date; it has a value only from the date on."""
        return DateMeasure(self.name, "age")

    @property
    def anniversary(self) -> DateMeasure:
        """The time left until the day and month of the date begin again; 0 during that day."""
        return DateMeasure(self.name, "anniversary")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        problem = f'profile("{self.name}").date has no {name!r}.'
        raise RuleError(problem, f"Write .remaining, .age or .anniversary: {EXAMPLE}.")

    def _refuse(self, bound: object) -> Any:
        text = f'profile("{self.name}")'
        mend = f"Compare .remaining, .age or .anniversary with a length of time: {EXAMPLE}."
        if isinstance(bound, str):
            mend = f'Write {text} >= "2026-01-31" for a date of the calendar, or: {EXAMPLE}.'
        if type(bound) in (int, float):
            mend = f"If it is a number, write {text} without .date; if it is a date, write, say, {EXAMPLE}."
        problem = f"{text}.date is compared with {came(bound).removesuffix(' without a bound')}."
        raise RuleError(problem, mend)

    def __eq__(self, bound: object) -> Any:
        return self._refuse(bound)

    __ne__ = __ge__ = __gt__ = __le__ = __lt__ = __eq__
    __hash__ = object.__hash__
