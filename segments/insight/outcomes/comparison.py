"""The treated compared with the control group: intervals, and what may be concluded from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil

from segments.insight.outcomes.arms import CONTROL, TREATED, Arm
from segments.insight.outcomes.period import FEWEST, Count
from segments.insight.outcomes.statistics import (
    LEAST_EXPECTED,
    Comparison,
    Interval,
    Sample,
    compare,
    mismatch,
    newcombe,
    of_amounts,
    of_conversions,
)

MISMATCH_P = 0.001
"""Arms that chance would make so unequal only once in a thousand times are not as they were drawn."""
BUYERS = 100
"""Customers with a goal that each arm needs before amounts, which are skewed, are compared."""
PAIR = (CONTROL, TREATED)


class Verdict(StrEnum):
    """What may be concluded."""

    MORE = "more"
    LESS = "less"
    NOT_SHOWN = "no difference shown"
    TOO_FEW = "no verdict yet"
    MISMATCH = "no verdict: the arms are not as large as drawn"

    @property
    def is_given(self) -> bool:
        """Whether the numbers suffice for one."""
        return self in (Verdict.MORE, Verdict.LESS, Verdict.NOT_SHOWN)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Whether the arms are as large as they were drawn."""

    chi2: float
    p: float

    @property
    def blocks(self) -> bool:
        """Whether no verdict may be given."""
        return self.p < MISMATCH_P


@dataclass(frozen=True, slots=True)
class Compared:
    """Conversion or revenue of the arms."""

    verdict: Verdict
    missing: Mapping[str, int]
    """Customers that an arm needs beyond those it has: with a matured outcome, of revenue those with a goal."""
    at_least: bool
    """Whether that number is a lower bound."""
    by: Comparison | None
    """None: an arm has too few customers to compare anything."""
    interval: Interval | None
    """Of the difference: Newcombe of conversions, Welch of revenue."""
    told: bool
    """Whether the numbers are those of enough customers to be told."""

    @property
    def always_valid(self) -> Interval | None:
        """The interval of the difference that holds however often one looks."""
        return None if self.by is None else around(self.by.difference, self.by.always_half)


def around(middle: float | None, half: float | None) -> Interval | None:
    """An interval by its middle."""
    return None if middle is None or half is None else (middle - half, middle + half)


def drawn(customers: Mapping[str, int], control: str) -> Drawn | None:
    """Compares the numbers of customers with the percentage; None: too few for that."""
    found = mismatch(customers.get(CONTROL, 0), customers.get(TREATED, 0), float(control))
    return None if found is None else Drawn(*found)


def of_conversion(arms: Mapping[str, Arm], against: Drawn | None) -> Compared:
    """Whether more of the treated reach the goal."""
    pairs = [(arms[each].converted.times, arms[each].mature.times) for each in PAIR]
    told = _told(arms)
    missing, at_least = _missing_conversions(pairs, arms)
    if any(customers < 2 for _, customers in pairs):
        return Compared(Verdict.TOO_FEW, missing, at_least, None, None, told=False)
    found = compare(of_conversions(*pairs[0]), of_conversions(*pairs[1]))
    enough = _expected(pairs) >= LEAST_EXPECTED
    verdict = _verdict(found, against, enough=enough)
    return Compared(verdict, {} if enough else missing, at_least, found, newcombe(*pairs), told)


def of_revenue(arms: Mapping[str, Arm], against: Drawn | None) -> Compared:
    """Whether the treated bring more, each of them with a goal or without."""
    few = {each: arms[each].converted.customers for each in PAIR}
    missing = {each: BUYERS - count for each, count in few.items() if count < BUYERS}
    hidden = any(count < FEWEST for count in few.values())
    if hidden:
        missing = {each: min(count, BUYERS - FEWEST) for each, count in missing.items()}
    told = _told(arms)
    if any(arms[each].mature.times < 2 for each in PAIR):
        return Compared(Verdict.TOO_FEW, missing, hidden, None, None, told=False)
    found = compare(*(amounts(arms[each]) for each in PAIR))
    verdict = _verdict(found, against, enough=not missing)
    return Compared(verdict, missing, hidden, found, (found.low, found.high), told)


def amounts(arm: Arm) -> Sample:
    """Revenue for each customer, in units of the currency."""
    return of_amounts(Fraction(arm.cents, 100), Fraction(arm.squares, 10_000), arm.mature.times)


def _told(arms: Mapping[str, Arm]) -> bool:
    return all(arms[each].converted.customers >= FEWEST for each in PAIR)


def _expected(pairs: list[tuple[int, int]]) -> float:
    """The smallest number of customers that an arm should have converted or not, at the rate of both arms."""
    share = sum(converted for converted, _ in pairs) / sum(customers for _, customers in pairs)
    return min(customers for _, customers in pairs) * min(share, 1 - share)


def _missing_conversions(
    pairs: list[tuple[int, int]], arms: Mapping[str, Arm]
) -> tuple[dict[str, int], bool]:
    """Customers that each arm needs for five expected, and whether more than so many are missing.

    The answer tells the numbers that it is computed from. So one of fewer than ten customers is not used: the most that
    it may be stands in its place, and the answer is a bound.
    """
    everybody = sum(customers for _, customers in pairs)
    converted = sum(times for times, _ in pairs)
    rarer = min(converted, everybody - converted)
    needed = _needed(everybody, rarer) if rarer else 0
    short = [each for each in PAIR if not rarer or arms[each].mature.times < needed]
    mature, reached = [arms[each].mature for each in PAIR], [arms[each].converted for each in PAIR]
    if all(count.customers >= FEWEST for count in (*mature, *reached)):
        missing = {each: needed - arms[each].mature.times for each in short}
        return (missing, False) if rarer else ({}, True)
    both = Count(converted, sum(count.customers for count in reached))
    most = _most(both) if both.customers < FEWEST else sum(map(_most, reached))
    needed = _needed(_least(mature), min(most, sum(map(_most, mature)) - _least(reached)))
    return {each: max(0, needed - _most(arms[each].mature) - 1) for each in short}, True


def _needed(everybody: int, rarer: int) -> int:
    """How many customers an arm needs, if so many of all did what fewer do."""
    return ceil(LEAST_EXPECTED * everybody / rarer)


def _most(count: Count) -> int:
    """A number that may be told; in place of one of fewer than ten customers the next ten."""
    return count.times if count.customers >= FEWEST else max(1, ceil(count.times / FEWEST)) * FEWEST


def _least(counts: Iterable[Count]) -> int:
    """The sum of the numbers that may be told."""
    return sum(count.times for count in counts if count.customers >= FEWEST)


def _verdict(found: Comparison, against: Drawn | None, *, enough: bool) -> Verdict:
    if against is not None and against.blocks:
        return Verdict.MISMATCH
    if not enough:
        return Verdict.TOO_FEW
    if abs(found.difference) <= found.always_half:
        return Verdict.NOT_SHOWN
    return Verdict.MORE if found.difference > 0 else Verdict.LESS
