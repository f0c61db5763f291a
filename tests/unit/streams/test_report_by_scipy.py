"""The numbers of a report against scipy's own tests, and against all that can happen, on small cases."""

import importlib
import random
from itertools import product
from math import comb

import numpy as np
import pytest

from segments.insight.outcomes.statistics import (
    LEAST_EXPECTED,
    Sample,
    compare,
    median_stay,
    mismatch,
    newcombe,
    of_amounts,
    wilson,
)


@pytest.fixture(scope="module")
def stats():
    """Loading it takes a second of each process that collects these tests; so only those who run them load it."""
    return importlib.import_module("scipy.stats")


SHARES = (0.05, 0.2, 0.5, 0.8)


def test_wilson_is_that_of_scipy(stats):
    """Of every number of conversions among up to forty customers."""
    for customers in range(1, 41):
        for converted in range(customers + 1):
            known = stats.binomtest(converted, customers).proportion_ci(method="wilson")
            assert wilson(converted, customers) == pytest.approx((known.low, known.high))


@pytest.mark.parametrize("sizes", [(10, 30), (20, 20)], ids=str)
def test_newcombe_holds_the_true_difference_as_often_as_it_says(sizes):
    """Counted over all that can happen: 95 % on average, and 92 % at worst with so few customers."""
    n0, n1 = sizes
    found = {(i, j): newcombe((i, n0), (j, n1)) for i, j in product(range(n0 + 1), range(n1 + 1))}
    held = []
    for p0, p1 in product(SHARES, SHARES):
        low, high = chances(n0, p0), chances(n1, p1)
        held.append(
            sum(low[i] * high[j] for (i, j), (a, b) in found.items() if a - 1e-12 <= p1 - p0 <= b + 1e-12)
        )
    assert min(held) > 0.92
    assert np.mean(held) == pytest.approx(0.955, abs=0.015)


def chances(customers: int, share: float) -> list[float]:
    """Of each number of conversions."""
    return [comb(customers, k) * share**k * (1 - share) ** (customers - k) for k in range(customers + 1)]


def test_welch_is_that_of_scipy(stats):
    """Difference, interval, p and degrees of freedom of amounts that most customers do not bring."""
    chance = random.Random(1)
    for _ in range(100):
        control, treated = amounts(chance), amounts(chance)
        if not np.var(control) + np.var(treated):
            continue
        known = stats.ttest_ind(treated, control, equal_var=False)
        interval = known.confidence_interval()
        found = compare(sample(control), sample(treated))
        told = (found.low, found.high, found.p, found.df)
        assert told == pytest.approx(
            (interval.low, interval.high, known.pvalue, known.df), rel=1e-6, abs=1e-9
        )


def amounts(chance: random.Random) -> list[float]:
    """Of two to thirty customers, in cents and skewed."""
    return [
        round(chance.lognormvariate(3, 1), 2) * (chance.random() < 0.4) for _ in range(chance.randint(2, 30))
    ]


def sample(values: list[float]) -> Sample:
    """By the sums that a report keeps."""
    return of_amounts(sum(values), sum(each * each for each in values), len(values))


def test_the_median_stay_is_that_of_scipy(stats):
    """Kaplan-Meier with ties between ends and open stays."""
    chance = random.Random(2)
    for _ in range(300):
        stays = [(chance.randint(1, 12), chance.random() < 0.6) for _ in range(chance.randint(1, 25))]
        lengths, is_open = [each for each, _ in stays], [not ended for _, ended in stays]
        survival = stats.ecdf(stats.CensoredData.right_censored(lengths, is_open)).sf
        below = survival.quantiles[survival.probabilities <= 0.5 + 1e-12]
        assert median_stay(stays) == (min(below) if len(below) else None), stays


def test_the_mismatch_is_that_of_scipy(stats):
    """χ² of both arms against the percentage; nothing is said where it would not hold."""
    chance = random.Random(3)
    for _ in range(200):
        control, treated = chance.randint(0, 200), chance.randint(0, 2000)
        share = chance.choice([5, 10, 12.5, 50]) / 100
        expected = [(control + treated) * each for each in (share, 1 - share)]
        found = mismatch(control, treated, share * 100)
        if found is None:
            assert min(expected) < LEAST_EXPECTED
        else:
            known = stats.chisquare([control, treated], expected)
            assert found == pytest.approx((known.statistic, known.pvalue))
