"""The statistics of reports, against known values: those of gbstats, and others computed with forty digits."""

import pytest

from segments.insight.outcomes.activity import retained
from segments.insight.outcomes.inside import Retained
from segments.insight.outcomes.period import Count
from segments.insight.outcomes.statistics import (
    compare,
    median_stay,
    mismatch,
    newcombe,
    of_amounts,
    of_conversions,
    wilson,
)

WILSON = {
    (0, 10): (0.0, 0.27753279986288926),
    (5, 10): (0.23659309051256397, 0.7634069094874361),
    (14, 28): (0.32633127457293465, 0.6736687254270654),
    (1396, 3000): (0.447540142970134, 0.4832151905414886),
    (300, 300): (0.987357028775454, 1.0),
}
NEWCOMBE = [
    ((14, 28), (16, 30), (-0.21103112849610983, 0.2724345142951782)),
    ((5, 500), (90, 4500), (-0.003702040371883621, 0.017290398752817206)),
    ((0, 100), (12, 900), (-0.024095183951860288, 0.023160045854896182)),
    ((1396, 3000), (2422, 3461), (0.21080987852406877, 0.25776354802555107)),
]
CONVERSION = [
    (
        (14, 28),
        (16, 30),
        {
            "difference": 0.0333333333333333,
            "low": -0.229609549104377,
            "high": 0.296276215771044,
            "p": 0.800445544438889,
            "df": 55.7074491486221,
            "lift": 0.0666666666666667,
            "lift_low": -0.477674028270679,
            "lift_high": 0.611007361604012,
            "always_half": 1.11455632037408,
            "always_lift_half": 2.3073389793046,
        },
    ),
    (
        (5, 500),
        (90, 4500),
        {
            "difference": 0.01,
            "low": 0.000351301297512559,
            "high": 0.0196486987024874,
            "p": 0.042241894701084,
            "df": 738.719474164526,
            "lift": 1.0,
            "lift_low": -0.794518316207764,
            "lift_high": 2.79451831620776,
            "always_half": 0.0149175367044507,
            "always_lift_half": 2.77444593040688,
        },
    ),
    (
        (1396, 3000),
        (2422, 3461),
        {
            "difference": 0.23446441298276,
            "low": 0.210970271112694,
            "high": 0.257958554852827,
            "p": 0.0,
            "df": 6143.1608848605,
            "lift": 0.50386335168215,
            "lift_low": 0.437485472019902,
            "lift_high": 0.570241231344397,
            "always_half": 0.0364156160435015,
            "always_lift_half": 0.102884854996208,
        },
    ),
]
REVENUE = [
    (
        (1396.87, 52377.9767, 3407),
        (2422.7, 134698.29, 3461),
        {
            "difference": 0.29,
            "low": 0.0453778925592901,
            "high": 0.53462210744071,
            "p": 0.020158402643587,
            "df": 5841.74203209356,
            "lift": 0.707317073170732,
            "lift_low": -0.0352600890661179,
            "lift_high": 1.44989423540758,
            "always_half": 0.379410095538346,
        },
    ),
    (
        (120.0, 4000.0, 50),
        (2450.0, 71000.0, 450),
        {
            "difference": 3.04444444444444,
            "low": 0.367537540765479,
            "high": 5.72135134812341,
            "p": 0.0264089922667979,
            "df": 68.9305648799393,
            "lift": 1.26851851851852,
            "lift_low": -1.09466116651324,
            "lift_high": 3.63169820355028,
            "always_half": 5.17279161311584,
        },
    ),
]
MISMATCH = [
    (100, 900, 10, 0.0, 1.0),
    (130, 870, 10, 10.0, 0.00156540225800255),
    (137, 863, 10, 15.2111111111111, 9.61361077864881e-05),
    (1000, 8600, 10, 1.85185185185185, 0.173568166555922),
    (60, 40, 50, 4.0, 0.0455002638963584),
]


@pytest.mark.parametrize(("group", "expected"), WILSON.items(), ids=str)
def test_the_interval_of_one_share(group, expected):
    """Wilson: of none and of all, too, where the simple interval has no width."""
    assert wilson(*group) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("control", "treated", "expected"), NEWCOMBE, ids=str)
def test_the_interval_of_a_difference_of_shares(control, treated, expected):
    """Newcombe: made of the intervals of both."""
    assert newcombe(control, treated) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("control", "treated", "expected"), CONVERSION, ids=str)
def test_shares_of_two_arms(control, treated, expected):
    """Difference and lift by Welch's t, and the always-valid interval of each."""
    found = compare(of_conversions(*control), of_conversions(*treated))
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("control", "treated", "expected"), REVENUE, ids=str)
def test_amounts_of_two_arms(control, treated, expected):
    """From the sum, the sum of squares and the number of customers of each arm."""
    found = compare(of_amounts(*control), of_amounts(*treated))
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("control", "treated", "percent", "chi2", "p"), MISMATCH, ids=str)
def test_arms_that_are_not_as_large_as_drawn(control, treated, percent, chi2, p):
    """χ² on the customers of both arms."""
    assert mismatch(control, treated, percent) == pytest.approx((chi2, p), rel=1e-9, abs=1e-12)


def test_too_few_customers_tell_no_mismatch():
    """Five are expected in each arm at least."""
    assert mismatch(0, 49, 10) is None
    assert mismatch(0, 50, 10) is not None


def test_the_median_stay_knows_who_is_still_in():
    """Kaplan-Meier: an open stay counts among those that could have ended; not known before half have."""
    assert median_stay([(1, True), (2, True), (3, True)]) == 2
    assert median_stay([(1, True), (2, True)]) == 1
    assert median_stay([(1, False), (2, True), (3, True)]) == 2
    assert median_stay([(1, True), (2, False), (3, False)]) is None
    assert median_stay([]) is None


@pytest.mark.parametrize(
    ("active", "of", "kept", "churn"), [(95, 100, 0.95, "< 10"), (80, 100, 0.8, 0.2), (0, 0, None, None)]
)
def test_a_churn_of_fewer_than_ten_is_not_told(active, of, kept, churn):
    """What is left of a share is a number of customers, too; without episodes there is neither."""
    found = retained(Retained(Count(of, of), Count(active, active)))
    assert (found["retention"], found["churn"]) == (
        kept,
        pytest.approx(churn) if isinstance(churn, float) else churn,
    )
