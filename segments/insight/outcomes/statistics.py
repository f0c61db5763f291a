"""Intervals and tests of a report, all of 95 %. They need scipy, as the extra `fit` does.

`Sample` of conversions: each customer is 0 or 1, of variance p(1 - p); of revenue: the sample variance. Welch's degrees
of freedom, Wilson's and Newcombe's intervals, and the always-valid interval of Waudby-Smith et al. (arXiv 2103.06476,
equation 9) with its width tuned for 5,000 customers.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import inf, log, sqrt

LEVEL = 0.05
"""One in twenty intervals misses."""
TUNED_FOR = 5_000
"""Customers at which the always-valid interval is narrowest."""
RHO_SQUARED = (-2 * log(LEVEL) + log(1 - 2 * log(LEVEL))) / TUNED_FOR

Interval = tuple[float, float]
Real = float | Fraction


@dataclass(frozen=True, slots=True)
class Sample:
    """Customers of one arm: their mean, and the variance of that mean."""

    customers: int
    mean: float
    variance: float


def of_conversions(converted: int, customers: int) -> Sample:
    """A share of customers."""
    share = converted / customers
    return Sample(customers, share, share * (1 - share) / customers)


def of_amounts(total: Real, squares: Real, customers: int) -> Sample:
    """Amounts by their sum and the sum of their squares; of two customers at least.

    Exact: what is left of two large numbers that are nearly the same would be nothing but the error of doubles.
    """
    whole = Fraction(total)
    spread = (customers * Fraction(squares) - whole * whole) / (customers * (customers - 1))
    return Sample(customers, float(whole / customers), max(0.0, float(spread / customers)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """The treated compared with the control group."""

    difference: float
    low: float
    high: float
    p: float
    df: float
    always_half: float
    """Half of the width of the always-valid interval around the difference."""
    lift: float | None
    """Relative to the control group; None: its mean is 0."""
    lift_low: float | None
    lift_high: float | None
    always_lift_half: float | None


def compare(control: Sample, treated: Sample) -> Comparison:
    """The difference of two means, and the relative lift, with Welch's t."""
    from scipy.stats import t

    both = control.variance + treated.variance
    n, d = control.customers + treated.customers, treated.mean - control.mean
    if not both:
        return Comparison(d, d, d, float(d == 0), inf, 0.0, None, None, None, None)
    parts = [each.variance**2 / (each.customers - 1) for each in (control, treated)]
    df = both**2 / sum(parts)
    times, p = float(t.ppf(1 - LEVEL / 2, df)), float(2 * t.sf(abs(d) / sqrt(both), df))
    half, always = times * sqrt(both), always_half(both, n)
    if not control.mean:
        return Comparison(d, d - half, d + half, p, df, always, None, None, None, None)
    lift = treated.mean / control.mean - 1
    spread = treated.variance / control.mean**2 + control.variance * treated.mean**2 / control.mean**4
    wide = times * sqrt(spread)
    relative = (lift, lift - wide, lift + wide, always_half(spread, n))
    return Comparison(d, d - half, d + half, p, df, always, *relative)


def always_half(variance: float, customers: int) -> float:
    """Half of an interval that holds at every look at once, however often one looks."""
    grown = customers * RHO_SQUARED + 1
    factor = 2 * grown * log(sqrt(grown) / LEVEL) / (customers**2 * RHO_SQUARED)
    return sqrt(variance * customers) * sqrt(factor)


def wilson(converted: int, customers: int) -> Interval:
    """Where the true share of one group lies."""
    from scipy.stats import norm

    z = float(norm.ppf(1 - LEVEL / 2))
    share, slack = converted / customers, z * z / customers
    middle = share + slack / 2
    half = z * sqrt(share * (1 - share) / customers + slack / (4 * customers))
    low, high = (middle - half) / (1 + slack), (middle + half) / (1 + slack)
    return (max(0.0, low) if converted else 0.0), (min(1.0, high) if converted < customers else 1.0)


def newcombe(control: tuple[int, int], treated: tuple[int, int]) -> Interval:
    """Where the true difference of two shares lies: `converted, customers` of each arm."""
    (low0, high0), (low1, high1) = wilson(*control), wilson(*treated)
    p0, p1 = (converted / customers for converted, customers in (control, treated))
    return p1 - p0 - sqrt((p1 - low1) ** 2 + (high0 - p0) ** 2), p1 - p0 + sqrt(
        (high1 - p1) ** 2 + (p0 - low0) ** 2
    )


def mismatch(control: int, treated: int, percent: float) -> tuple[float, float] | None:
    """χ² with one degree of freedom, and its p, that the arms are as large as drawn; None: fewer than five expected."""
    from scipy.stats import chi2

    customers = control + treated
    expected = customers * percent / 100
    if min(expected, customers - expected) < LEAST_EXPECTED:
        return None
    found = (control - expected) ** 2 / expected + (control - expected) ** 2 / (customers - expected)
    return found, float(chi2.sf(found, 1))


LEAST_EXPECTED = 5
"""Customers in a cell of a table; below, χ² and the intervals of shares are no longer what they say."""


def median_stay(stays: list[tuple[int, bool]]) -> int | None:
    """The Kaplan-Meier median of lengths and whether each ended then; None: fewer than half have ended.

    Those that are still open at a length count among those that could end there.
    """
    at_risk, alive, place = len(stays), 1.0, 0
    stays = sorted(stays)
    while place < len(stays):
        length, ended, gone = stays[place][0], 0, 0
        while place < len(stays) and stays[place][0] == length:
            ended, gone, place = ended + stays[place][1], gone + 1, place + 1
        alive *= 1 - ended / at_risk
        at_risk -= gone
        if alive <= HALF:
            return length
    return None


HALF = 0.5 + 1e-12
"""A product of fractions that is a half may come out as slightly more."""
