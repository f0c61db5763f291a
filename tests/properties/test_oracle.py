"""The oracle itself, sentence by sentence of SEMANTICS.md: what judges the engine is judged here."""

from decimal import Decimal
from typing import Any

from segments.language import (
    Segment,
    any_event,
    any_of,
    cart_add,
    days,
    event,
    hours,
    login,
    minutes,
    not_,
    page_view,
    product_view,
    purchase,
    refund,
    visit,
)
from segments.language.truth.memory import Memory
from segments.language.truth.oracle import holds
from tests.properties.records import DAY, HOUR, MINUTE, START, click, item, transaction
from tests.properties.telling import at, lived, told

THREE_VISITS = visit.since(purchase).within(days=7).count() >= 3
INACTIVE = any_event.within(days=730).idle >= days(90)
ABANDONED = cart_add.since(purchase).within(days=30).idle >= hours(1)
AGAIN = (
    product_view.by(product_view.product_id)
    .since(purchase.items.same(purchase.items.product_id))
    .within(days=7)
    .count()
    >= 3
)
ORDERS = purchase.within(days=365)
HIGH_VALUE = [Segment(id="high_value", when=[ORDERS.sum(purchase.amount) >= 500, ORDERS.count() >= 4])]


def test_three_visits_then_a_purchase() -> None:
    """The story of three visits: entered by the third visit, left by the purchase."""
    story = [at(day, "page_view") for day in (0, 2, 4)] + [at(5, "purchase")]
    assert told(THREE_VISITS, story) == [("enter", 4 * DAY, "event"), ("exit", 5 * DAY, "event")]


def test_visits_before_a_purchase_do_not_count() -> None:
    """The second story: two visits since the purchase are not yet three."""
    story = [at(0, "page_view"), at(2, "purchase"), at(3, "page_view"), at(4, "page_view")]
    assert told(THREE_VISITS, story) == []


def test_the_first_visit_is_a_week_old() -> None:
    """The third story: a window ends at an exact instant, by time alone."""
    story = [at(day, "page_view") for day in (0, 3, 6)]
    assert told(THREE_VISITS, story, until=7 * DAY - 1)[1:] == []
    assert told(THREE_VISITS, story, until=7 * DAY)[1:] == [("exit", 7 * DAY, "timer")]


def test_inactive_for_ninety_days() -> None:
    """Idle at the last event plus the bound, back with the next event, out again when all is forgotten."""
    story = [at(0, "page_view"), at(100, "page_view")]
    flips = told(INACTIVE, story, until=900 * DAY)
    assert flips == [
        ("enter", 90 * DAY, "timer"),
        ("exit", 100 * DAY, "event"),
        ("enter", 190 * DAY, "timer"),
        ("exit", 830 * DAY, "timer"),
    ]
    assert lived(INACTIVE, story, until=830 * DAY).memberships[-2:] == [{"sequence": 4, "segments": []}, None]


def test_more_than_comes_a_millisecond_later() -> None:
    """`>` instead of `>=`: a millisecond after the last event plus the bound."""
    story = [at(0, "page_view")]
    assert told(any_event.within(days=730).idle > days(90), story, until=90 * DAY) == []
    assert told(any_event.within(days=730).idle > days(90), story, until=90 * DAY + 1) == [
        ("enter", 90 * DAY + 1, "timer")
    ]


def test_cart_abandoned() -> None:
    """An hour after the last thing was put in the cart; a purchase ends it; so does a month."""
    story = [click(0, "cart_add"), click(10 * MINUTE, "cart_add"), transaction(3 * HOUR)]
    assert told(ABANDONED, story, until=DAY) == [
        ("enter", HOUR + 10 * MINUTE, "timer"),
        ("exit", 3 * HOUR, "event"),
    ]
    assert told(ABANDONED, story[:1], until=40 * DAY) == [
        ("enter", HOUR, "timer"),
        ("exit", 30 * DAY, "timer"),
    ]


def test_an_event_at_the_instant_of_a_flip_by_time_goes_first() -> None:
    """A purchase exactly an hour after the cart: never abandoned."""
    assert told(ABANDONED, [click(0, "cart_add"), transaction(HOUR)], until=DAY) == []
    assert told(ABANDONED, [click(0, "cart_add"), transaction(HOUR + 1)], until=DAY) == [
        ("enter", HOUR, "timer"),
        ("exit", HOUR + 1, "event"),
    ]


def test_high_value_with_its_evidence() -> None:
    """Both leaves in source order, money with two decimals, until the first order is a year old."""
    story = [at(day, "purchase", amount=150_00) for day in (0, 30, 60)] + [at(90, "purchase", amount=50_00)]
    flips = lived(HIGH_VALUE, story, until=365 * DAY).flips
    assert [flip["occurred_at"] - START for flip in flips] == [90 * DAY, 365 * DAY]
    texts = ["purchase.within(days=365).sum(purchase.amount)", "purchase.within(days=365).count()"]
    assert flips[0]["evidence"] == [
        {"measure": texts[0], "value": "500.00", "bound": "500", "holds": True},
        {"measure": texts[1], "value": "4", "bound": "4", "holds": True},
    ]
    assert [each["value"] for each in flips[1]["evidence"]] == ["350.00", "3"]
    assert flips[0]["valid_until"] == START + 365 * DAY
    assert flips[1]["valid_until"] is None
    assert flips[0]["cause"] == {
        "topic": "transactions",
        "partition": 0,
        "offset": 3,
        "event_id": f"purchase@{90 * DAY}",
    }
    assert [(flip["sequence"], flip["episode"]) for flip in flips] == [(1, 1), (2, 1)]


def test_the_same_product_until_that_product_is_bought() -> None:
    """`by` and `same`: buying another product changes nothing; the evidence names the smallest key that holds."""
    story = [
        at(day, "product_view", product_id=name) for day, name in ((0, "b"), (1, "a"), (2, "b"), (3, "b"))
    ]
    story += [at(4, "purchase", items=[item("a")]), at(5, "purchase", items=[item("x"), item("b")])]
    flips = lived(AGAIN, story).flips
    assert [flip["occurred_at"] - START for flip in flips] == [3 * DAY, 5 * DAY]
    assert flips[0]["evidence"][0]["measure"].endswith(".count()[b]")
    assert flips[0]["evidence"][0]["value"] == "3"
    assert flips[1]["evidence"][0] == {
        "measure": flips[0]["evidence"][0]["measure"].removesuffix("[b]"),
        "value": None,
        "bound": "3",
        "holds": False,
    }


def test_a_visit_begins_after_thirty_minutes() -> None:
    """30 minutes to the millisecond; mails and transactions are no part of a visit."""
    two = visit.within(days=7).count() >= 2
    assert told(two, [click(0, "page_view"), click(30 * MINUTE - 1, "login")]) == []
    assert told(two, [click(0, "page_view"), click(30 * MINUTE, "login")]) == [
        ("enter", 30 * MINUTE, "event")
    ]
    between = [click(0, "page_view"), click(20 * MINUTE, "email_open"), transaction(25 * MINUTE)]
    assert told(two, [*between, click(31 * MINUTE, "page_view")]) == [("enter", 31 * MINUTE, "event")]


def test_a_late_event_joins_two_visits() -> None:
    """What a late event changes flips at the customer's instant, with its own reason."""
    two = visit.within(days=7).count() >= 2
    story = [click(0, "page_view"), click(40 * MINUTE, "page_view"), click(20 * MINUTE, "page_view")]
    assert told(two, story) == [("enter", 40 * MINUTE, "event"), ("exit", 40 * MINUTE, "late_event")]


def test_an_event_set_is_of_its_topic() -> None:
    """A click of the kind `purchase` is a click of the shop's own, not a purchase."""
    assert told(purchase.within(days=1).count() >= 1, [click(0, "purchase")]) == []
    assert told(any_event.within(days=1).count() >= 1, [click(0, "purchase")]) != []
    assert told(event("wish").within(days=1).count() >= 1, [click(0, "wish")]) != []


def test_a_missing_field_compares_to_nothing() -> None:
    """`!=` and `is_in` of a missing field are false, and `not_` negates the whole."""
    story = [click(0, "page_view")]
    for test in (page_view.channel != "web", page_view.channel.is_in("web", "app")):
        assert told(page_view.where(test).within(days=1).count() >= 1, story) == []
        assert told(page_view.where(not_(test)).within(days=1).count() >= 1, story) != []
    assert told(purchase.where(purchase.amount != "10").within(days=1).count() >= 1, [transaction(0)]) == []


def test_another_currency_is_an_event_but_not_money() -> None:
    """It counts; it adds nothing; it fails every comparison of its amount."""
    story = [transaction(0, amount=99_00, currency="USD")]
    assert told(purchase.within(days=1).count() >= 1, story) != []
    assert told(purchase.within(days=1).sum(purchase.amount) > 0, story) == []
    assert told(purchase.where(purchase.amount < 5000).within(days=1).count() >= 1, story) == []


def test_values_as_the_evidence_shows_them() -> None:
    """A mean rounded half-even to six digits, a sum of nothing, durations in milliseconds, what is missing."""
    story = [transaction(0, amount=10), transaction(1000, amount=10), transaction(2000, amount=11)]
    spent = purchase.within(days=1)
    leaves = [
        spent.mean(purchase.amount) > 0,
        spent.min(purchase.amount) > 0,
        spent.age >= minutes(0),
        any_of(refund.within(days=1).sum(refund.amount) > 0, spent.count() == 3),
        any_of(spent.last(purchase.channel) == "web", spent.count() == 3),
    ]
    values = [each["value"] for each in lived(leaves_of(leaves), story).flips[-1]["evidence"]]
    assert values == ["0.103333", "0.10", "2000", "0", "3", None, "3"]


def leaves_of(conditions: list[Any]) -> list[Segment]:
    """One rule of all these conditions."""
    return [Segment(id="rule", when=conditions)]


def test_a_mean_is_compared_exactly() -> None:
    """A third is not what it is rounded to."""
    story = [transaction(0, amount=0), transaction(1, amount=0), transaction(2, amount=1_00)]
    third = purchase.within(days=1).mean(purchase.amount)
    assert told([Segment(id="r", when=[third > Decimal("0.333333"), third > 0])], story) != []
    assert told([Segment(id="r", when=[third == Decimal("0.333333")])], story) == []


def test_since_means_later_not_at_the_same_time() -> None:
    """At the instant of the purchase the view is not since the purchase."""
    rule = product_view.since(purchase).within(days=1).count() >= 1
    story = [transaction(0), click(0, "product_view")]
    assert told(rule, story) == []
    assert told(rule, [*story, click(1, "product_view")]) == [("enter", 1, "event")]


def test_a_condition_apart_from_a_life() -> None:
    """`holds` answers for any instant over what happened."""
    memory = Memory(
        events=[("clickstream", login_at.event) for login_at in (click(0, "login"),) if login_at.event]
    )
    two_days = login.within(days=2).count() >= 1
    assert [holds(two_days, START + now, memory) for now in (-1, 0, 2 * DAY - 1, 2 * DAY)] == [
        False,
        True,
        True,
        False,
    ]
