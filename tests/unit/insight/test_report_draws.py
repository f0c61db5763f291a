"""The sizes of the arms of a report where ids became one customer: each id counts once, by the arm that it drew."""

from itertools import product

import pytest

from segments.insight.outcomes.arms import Outcome
from segments.insight.outcomes.comparison import drawn
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.stays import Flip
from segments.insight.outcomes.sums import Sums

DAY = 86_400_000
WINTER = ("winter", "10")
GOAL = "purchase.within(days=7)"
TEN = ["control", *["treated"] * 9]
"""Arms as they are drawn, of ten ids."""


def enter(at, arm):
    """An enter that nothing ended."""
    return Flip("carts", None, at, True, "event", 1, arm)


def matured(entered_as, at, arm):
    """What came of an enter, by whichever customer has it now."""
    return Outcome(
        "carts", None, entered_as, at, 1, True, "event", arm, WINTER, GOAL, None, at + 7 * DAY, 0, None
    )


def sizes(customers):
    """The arms as drawn, of customers with their enters and outcomes."""
    sums = Sums(Period(100 * DAY, now=100 * DAY))
    sums.part(100 * DAY)
    for name, flips, outcomes in customers:
        sums.take(name, flips, (), outcomes)
    return sums.of("carts").experiments.drawn(WINTER)


def visitors_who_log_in(more=()):
    """A hundred visitors who enter and become an account, whose outcome each is; `more`: outcomes of each account."""
    for number, arm in enumerate(TEN * 10):
        yield f"visitor-{number}", [enter(10 * DAY, arm)], []
        own = [matured(f"account-{number}", 50 * DAY, each) for each in more]
        flips = [enter(50 * DAY, each) for each in more]
        yield f"account-{number}", flips, [matured(f"visitor-{number}", 10 * DAY, arm), *own]


def test_the_outcome_of_an_enter_before_a_login_draws_nobody_anew():
    """The visitor drew the arm, and the account has the outcome: one draw, or χ² would find mismatches by chance."""
    assert sizes(visitors_who_log_in()) == {"control": 10, "treated": 90}


def test_an_account_that_enters_later_is_a_draw_of_its_own():
    """By its own first enter, beside the one that it took over."""
    assert sizes(visitors_who_log_in(["treated"])) == {"control": 10, "treated": 190}


@pytest.mark.parametrize("first", ["visitor", "account"])
def test_both_ids_of_mixed_arms_count_by_what_they_drew(first):
    """Were they left out, the control group would look too small wherever many log in: of unlike pairs half are control."""

    def pairs():
        for number, (visitor, account) in enumerate(product(TEN, TEN)):
            days = {"visitor": 10, "account": 20} if first == "visitor" else {"visitor": 20, "account": 10}
            arm = visitor if visitor == account else "mixed"
            names = {"visitor": f"visitor-{number}", "account": f"account-{number}"}
            yield names["visitor"], [enter(days["visitor"] * DAY, visitor)], []
            outcome = matured(names[first], days[first] * DAY, arm)
            yield names["account"], [enter(days["account"] * DAY, account)], [outcome]

    found = sizes(pairs())
    assert found == {"control": 20, "treated": 180, "mixed": 18}
    assert drawn(found, "10").chi2 == 0


def test_how_many_were_dropped_is_no_number_of_a_few():
    """Enters whose outcome another id has are taken off, and so are their customers: of twelve less nine three remain."""
    sums = Sums(Period(100 * DAY, now=100 * DAY))
    sums.part(100 * DAY)
    for number in range(12):
        sums.take(f"visitor-{number}", [enter(10 * DAY, "treated")], (), ())
    for number in range(9):
        sums.take(f"account-{number}", (), (), [matured(f"visitor-{number}", 10 * DAY, "treated")])
    _, dropped = sums.of("carts").waiting.counts(7 * DAY, 100 * DAY)
    assert (dropped.times, dropped.told) == (3, "< 10")
