"""Arithmetic of measures, `first`, `mode`, `gap`, the calendar and numbers of attributes: as rules with stories, and in texts."""

from decimal import Decimal

import pytest

import segments
from segments.insight.proving import engine, failures
from segments.language import (
    Segment,
    days,
    event,
    page_view,
    product_view,
    purchase,
    refund,
    visit,
)
from segments.language.checking.lint import lint
from segments.language.errors import RuleError
from segments.language.nodes.text import bound_text, condition_text, leaf_text, rule_text
from segments.language.stories.reader import START, read_stories
from segments.language.truth.life import Customer, Step
from segments.language.truth.memory import Memory, read
from tests.kit.stories import oracle

MONTH = purchase.within(days=30)
LINES = purchase.items.within(days=30)
ORDERS = purchase.within(days=365)
VIEWS = product_view.within(days=30)

RULES = {
    "spends_more_than_last_month": (
        MONTH.sum(purchase.amount) > MONTH.ago(days=30).sum(purchase.amount),
        """
        0d   purchase amount=100     enters
        30d                          leaves      # nothing this month, 100 in the month before
        35d  purchase amount=100                 # as much as before
        36d  purchase amount=0.01    enters
        60d                                      # the first month is out of both
        65d                          leaves      # 0.01 against 100
        """,
    ),
    "net_of_refunds": (
        ORDERS.sum(purchase.amount) - refund.within(days=365).sum(refund.amount) >= 500,
        """
        0d  purchase amount=600      enters
        1d  refund amount=100
        2d  refund amount=0.01       leaves
        3d  purchase amount=0.01     enters
        """,
    ),
    "loyal_to_a_category": (
        LINES.by(LINES.category).count() / LINES.count() >= 0.8,
        """
        0d  purchase product_id=a,b,c,d category=shoes    enters
        1d  purchase product_id=e category=hats                     # four in five
        2d  purchase product_id=f category=hats           leaves
        30d                                               enters    # hats alone
        """,
    ),
    "late_by_own_habit": (
        ORDERS.idle > 2 * ORDERS.gap,
        """
        0d   purchase
        10d  purchase
        20d  purchase
        40d  1ms            enters      # twice ten days, and a millisecond
        41d  purchase       leaves      # the gap is 41 days by 3 now
        68d  8h 1ms         enters
        """,
    ),
    "viewed_more_than_bought": (
        VIEWS.by(product_view.category).count() - 2 * LINES.by(LINES.category).count() >= 2,
        """
        0d  product_view category=hats
        1d  product_view category=hats      enters      # none bought counts as none
        2d  purchase product_id=a category=hats     leaves
        3d  product_view category=hats
        4d  product_view category=hats      enters
        """,
    ),
    "began_in_the_shop": (
        ORDERS.first(purchase.channel) == "shop",
        """
        0d    purchase channel=shop     enters
        1d    purchase channel=web
        365d                            leaves
        """,
    ),
    "prefers_the_app": (
        ORDERS.mode(purchase.channel) == "app",
        """
        0d  purchase channel=web
        1d  purchase channel=app        enters      # as often, and later
        2d  purchase channel=web        leaves
        3d  purchase channel=app        enters
        """,
    ),
    "regular": (
        [ORDERS.gap <= days(10), ORDERS.count() >= 2],
        """
        0d   purchase
        10d  purchase       enters
        31d  purchase       leaves      # 31 days by 2
        """,
    ),
    "average_order": (
        ORDERS.sum(purchase.amount) / ORDERS.count() >= 50,
        """
        0d  purchase amount=99.99   enters
        1d  purchase amount=0       leaves
        2d  purchase amount=50.01   enters
        """,
    ),
    "detractor": (
        event("survey").within(days=90).last(event("survey").attributes["score"].number) < 6.5,
        """
        0d  click kind=survey attributes.score=10
        1d  click kind=survey attributes.score=6.4999   enters
        2d  click kind=survey attributes.score=none                 # no number: missing
        3d  click kind=survey attributes.score=+06.50   leaves
        """,
    ),
    "evening_visitor": (
        visit.where(visit.hour >= 18, visit.weekday.is_in("thursday", "friday"), visit.month == 1)
        .within(days=7)
        .count()
        >= 2,
        """
        0d 17h 59m  page_view           # a Thursday
        0d 23h      page_view
        1d 18h      page_view   enters
        2d 18h      page_view           # a Saturday
        7d 23h                  leaves
        """,
    ),
    "spends_on_shoes": (
        LINES.where(LINES.category == "shoes").sum(LINES.total) >= 100,
        """
        0d  purchase product_id=a category=shoes price=33.33 quantity=3
        1d  purchase product_id=a category=shoes price=0.01 quantity=1    enters
        """,
    ),
}


def rule(name):
    """A rule by its name."""
    when, examples = RULES[name]
    return Segment(id=name, en=name, nl=name, when=when, examples=examples)


@pytest.mark.parametrize("name", RULES)
def test_the_oracle_makes_its_stories_come_true(name):
    """To the millisecond, by time alone as by events."""
    assert [str(each) for each in failures(rule(name), oracle)] == []


@pytest.mark.parametrize("name", RULES)
def test_the_engine_makes_its_stories_come_true(name):
    """As the oracle does."""
    assert [str(each) for each in failures(rule(name), engine)] == []


def told(name):
    """The evidence of the first flip of a rule's story, by the oracle."""
    segment = rule(name)
    customer, clock = Customer([segment]), float("-inf")
    for line in read_stories(segment)[0].lines:
        now = START + line.at
        if line.event is not None:
            cause = {"topic": line.event.topic, "partition": 0, "offset": 0, "event_id": "e"}
            customer.apply(Step(cause, {**line.event.record, "event_id": str(line.at)}, now), clock)
        customer.fire(now + 1)
    return customer.flips[0]["evidence"][-1]


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("spends_more_than_last_month", "100.00", "0"),
        ("net_of_refunds", "600.00", "500"),
        ("loyal_to_a_category", "1.000000", "0.8"),
        ("late_by_own_habit", "1728000001", "1728000000"),
        ("viewed_more_than_bought", "2", "2"),
        ("average_order", "99.990000", "50"),
    ],
)
def test_evidence_has_both_sides(name, value, bound):
    """Counts as whole numbers, money with two decimals (no event: `0`), durations in milliseconds, else six digits."""
    entry = told(name)
    assert (entry["value"], entry["bound"], entry["holds"]) == (value, bound, True)


def test_a_side_of_no_event_is_told_as_a_sum_of_nothing():
    """A side that is one measure is told as it is alone: `0` without an event, `0.00` of free orders."""
    rule = Segment(
        id="no_less",
        when=[MONTH.count() >= 1, MONTH.sum(purchase.amount) >= refund.within(days=30).sum(refund.amount)],
    )
    flips = segments.replay(
        [
            {
                "topic": "transactions",
                "event_id": "1",
                "customer_id": "ann",
                "kind": "purchase",
                "order_id": "o",
                "occurred_at": "2026-01-01T00:00:00Z",
                "amount": 0,
                "currency": "EUR",
                "items": [],
            }
        ],
        rule,
        until="2026-03-01T00:00:00Z",
    )
    assert [(each["evidence"][1]["value"], each["evidence"][1]["bound"]) for each in flips] == [
        ("0.00", "0"),
        ("0", "0"),
    ]


def test_evidence_ends_in_the_value_of_by():
    """All measures with `by` are taken at that one."""
    assert told("loyal_to_a_category")["measure"].endswith(".count()[shoes]")


@pytest.mark.parametrize(
    ("condition", "text", "bound"),
    [
        (2 * MONTH.count() + 1 > 5, "2 * M.count() + 1 > 5", "5"),
        (MONTH.count() * 2 - (3 - MONTH.count()) >= 1, "2 * M.count() - (3 - M.count()) >= 1", "1"),
        (MONTH.count() + (3 - MONTH.count()) >= 1.50, "M.count() + 3 - M.count() >= 1.5", "1.5"),
        (2 * (MONTH.count() + 1) / 4 >= 1, "2 * (M.count() + 1) / 4 >= 1", "1"),
        (MONTH.count() / (2 * MONTH.count()) >= 1, "M.count() / (2 * M.count()) >= 1", "1"),
        (MONTH.idle > 2 * MONTH.gap, "M.idle > 2 * M.gap", ""),
        (2 * MONTH.gap <= days(3), "2 * M.gap <= days(3)", "259200000"),
    ],
)
def test_a_calculation_is_written_in_one_way(condition, text, bound):
    """A number first in a product, one space round each sign, brackets only where they are needed."""
    written = text.replace("M", "purchase.within(days=30)")
    assert condition_text(condition) == rule_text(condition) == written
    assert bound_text(condition) == bound
    assert leaf_text(condition) == (written if not bound else written.rpartition(" ")[0].rpartition(" ")[0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MONTH.count() * MONTH.count(), "multiplied by a measure"),
        (lambda: 3 / MONTH.count(), "3 is divided by a measure"),
        (lambda: MONTH.count() / 0, "divided by 0"),
        (lambda: MONTH.sum(purchase.amount) + MONTH.count(), "Money is added to what is no money"),
        (lambda: MONTH.sum(purchase.amount) > MONTH.count(), "Money is compared with what is no money"),
        (lambda: MONTH.last(purchase.channel) + 1, r"last\(purchase.channel\) is a text"),
        (lambda: MONTH.idle + MONTH.age, "A duration is added"),
        (lambda: 2 * MONTH.idle, "Only gap has multiples"),
        (lambda: MONTH.idle > MONTH.count(), "a duration was expected"),
        (lambda: MONTH.count() > MONTH.idle, "A number is compared with a duration"),
        (lambda: 2 * MONTH.gap > 3, "a duration was expected"),
        (lambda: MONTH.count() + days(3), "which is no number"),
        (lambda: MONTH.count() + "3", "which is no number"),
        (lambda: MONTH.count() + float("inf"), "no number"),
        (lambda: (MONTH.count() + 1).is_in(3), "is_in of a calculated value"),
        (lambda: page_view.page.number, "only the text of an attribute"),
    ],
)
def test_what_can_not_be_calculated_is_refused(make, words):
    """Each with what is wrong; a number, a duration and a text are not mixed, nor money and counts."""
    with pytest.raises(RuleError, match=words):
        make()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7), ("+7.5", Decimal("7.5")), ("-0.000001", Decimal("-0.000001")), ("007", 7), ("999999999999", 999999999999),
        ("1000000000000.0000001", None), ("1e3", None), ("", None), (" 7", None), ("7.", None), ("٧", None), (".5", None),
    ],
)  # fmt: skip
def test_an_attribute_as_a_number(text, number):
    """Twelve digits before the point and six after it; anything else is missing."""
    field = page_view.attributes["score"].number
    assert read(field, {"attributes": {"score": text}}, Memory()) == number
    assert read(field, {"attributes": {}}, Memory()) is None


def test_the_calendar_is_that_of_the_zone():
    """An event belongs to the day, hour, weekday and month that the shop's clock shows."""
    at = {"occurred_at": START + 23 * 3_600_000 + 30 * 60_000}  # Thursday 2026-01-01, 23:30 UTC
    fields = (visit.day, visit.hour, visit.weekday, visit.month)
    assert [read(each, at, Memory()) for each in fields] == ["2026-01-01", 23, "thursday", 1]
    assert [read(each, at, Memory(zone="Asia/Kolkata")) for each in fields] == ["2026-01-02", 5, "friday", 1]
    assert [read(each, at, Memory(zone="America/New_York")) for each in fields] == [
        "2026-01-01",
        18,
        "thursday",
        1,
    ]


def test_attributes_of_a_purchase_are_read():
    """Older records have none, which is an empty map."""
    coupon = purchase.attributes["coupon"]
    assert read(coupon, {"attributes": {"coupon": "X"}}, Memory()) == "X"
    assert read(coupon, {}, Memory()) is None


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (visit.where(visit.weekday == "tue").within(days=7).count() >= 1, "weekday is one of monday"),
        (visit.where(visit.hour == 24).within(days=7).count() >= 1, "hour is one of 0"),
        (visit.where(visit.month.is_in(0, 1)).within(days=7).count() >= 1, "month is one of 1"),
        (MONTH.count() - MONTH.count() >= 0, "nothing is remembered"),
        (purchase.count() > MONTH.count(), "has no within"),
        (MONTH.where(refund.amount > 3).count() > MONTH.count(), "is a field of refund"),
    ],
)
def test_the_linter_looks_into_it(condition, words):
    """Each measure of a calculation is checked like one that stands alone."""
    assert any(words in each.problem for each in lint([Segment(id="rule", when=condition)]))
