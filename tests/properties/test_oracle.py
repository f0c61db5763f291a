"""The oracle itself, sentence by sentence of the contract: what judges the engine is judged here."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from segments.language import (
    Segment,
    any_event,
    any_of,
    cart_add,
    consent,
    days,
    event,
    hours,
    login,
    minutes,
    not_,
    page_view,
    product_view,
    profile,
    purchase,
    refund,
    visit,
)
from segments.language.life import Customer
from segments.language.oracle import NEVER, Memory, holds

from . import records
from .records import DAY, HOUR, MINUTE, START, Arrival, click, erase, item, transaction

GRACE = 2_000


def lived(rules: Any, arrivals: Sequence[Arrival], until: int | None = None) -> Customer:
    """A customer after these records, in this order, in a partition that has no other customer."""
    segments = rules if isinstance(rules, list) else [Segment(id="rule", when=rules)]
    customer, clock = Customer(segments), NEVER
    for offset, arrival in enumerate(arrivals):
        outcome = customer.apply(arrival.step(offset), clock)
        if outcome == "applied" and arrival.event is not None:
            clock = max(clock, min(arrival.time, arrival.timestamp) - GRACE)
    if until is not None:
        customer.fire(START + until + 1)
    return customer


def told(rules: Any, arrivals: Sequence[Arrival], until: int | None = None) -> list[tuple[str, int, str]]:
    """Transition, instant after `START` and reason of every flip."""
    flips = lived(rules, arrivals, until).flips
    return [(flip["transition"], flip["occurred_at"] - START, flip["reason"]) for flip in flips]


def at(day: float, kind: str, **fields: Any) -> Arrival:
    """Something that happened so many days after `START`."""
    make = transaction if kind in ("purchase", "refund") else click
    return make(round(day * DAY), kind, **fields)


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
    """The first story of the contract: entered by the third visit, left by the purchase."""
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


def test_until_is_an_exit_of_its_own() -> None:
    """Entered when `when` holds and `until` does not; left when `until` holds, whatever `when` says."""
    rule = [
        Segment(
            id="rule",
            when=page_view.within(days=1).count() >= 2,
            until=page_view.within(days=3).count() < 1,
        )
    ]
    story = [click(0, "page_view"), click(HOUR, "page_view")]
    assert told(rule, story, until=10 * DAY) == [("enter", HOUR, "event"), ("exit", 3 * DAY + HOUR, "timer")]


def test_a_segment_as_a_condition_is_its_membership_after_the_same_evaluation() -> None:
    """Both flip in one evaluation, in order of their ids, whichever reads the other."""
    read = Segment(id="zebra", when=page_view.within(days=1).count() >= 1)
    rules = [Segment(id="ant", when=[read, page_view.within(days=1).count() >= 1]), read]
    flips = lived(rules, [click(0, "page_view")], until=2 * DAY).flips
    assert [(flip["segment"], flip["sequence"], flip["episode"]) for flip in flips] == [
        ("ant", 1, 1),
        ("zebra", 2, 2),
        ("ant", 3, 1),
        ("zebra", 4, 2),
    ]
    assert flips[0]["evidence"][0] == {"measure": "zebra", "value": "true", "bound": "true", "holds": True}


def test_a_profile_replaces_the_one_held() -> None:
    """A newer profile is whole; an older one is ignored; the rule that reads the changed consent says so."""
    rules = [
        Segment(id="asked", when=[consent("marketing"), profile("country") == "NL"]),
        Segment(id="dutch", when=profile("country") == "NL"),
    ]
    story = [
        records.profile(0, country="NL", consents={"marketing": True}),
        records.profile(-5, country="BE"),
        records.profile(10, country="NL", vip=True),
        records.profile(20),
    ]
    customer = lived(rules, story, until=1000 * DAY)
    flips = [(flip["segment"], flip["occurred_at"] - START, flip["reason"]) for flip in customer.flips]
    assert flips == [
        ("asked", 0, "consent"),
        ("dutch", 0, "profile"),
        ("asked", 10, "consent"),
        ("dutch", 20, "profile"),
    ]
    assert customer.sequence == 4, "a customer with a profile is not forgotten"


def test_duplicates_for_a_day_of_the_customers_time() -> None:
    """Less than 24 hours after the first, in the same topic; at 24 hours it is another event."""
    rule = page_view.within(days=2).count() >= 2
    assert told(rule, [click(0, "page_view", id="x"), click(DAY - 1, "page_view", id="x")]) == []
    assert told(rule, [click(0, "page_view", id="x"), click(DAY, "page_view", id="x")]) == [
        ("enter", DAY, "event")
    ]
    later = [click(0, "page_view", id="x"), click(DAY, "login"), click(5, "page_view", id="x")]
    assert told(rule, later) == [("enter", DAY, "late_event")]
    other = any_event.within(days=2).count() >= 2
    assert told(other, [click(0, "page_view", id="x"), transaction(5, id="x")]) == [("enter", 5, "event")]


def test_an_old_event_is_ignored_and_moves_no_clock() -> None:
    """R and a millisecond before the clock is too old, R is not."""
    rule = page_view.within(days=2).count() >= 2
    story = [click(0, "page_view"), click(2 * DAY - 1 + GRACE, "login")]
    customer, clock = Customer([Segment(id="rule", when=rule)]), START + 2 * DAY
    assert customer.apply(click(-1, "page_view").step(0), clock) == "ignored"
    assert customer.apply(click(0, "page_view").step(0), clock) == "applied"
    assert told(rule, [*story, click(1, "page_view")]) == []


def test_late_events_flip_at_the_customers_instant() -> None:
    """A flip by time moves the customer's instant: what comes from before it is late."""
    rule = cart_add.since(purchase).within(days=30).idle >= hours(1)
    story = [click(0, "cart_add"), click(3 * HOUR, "email_open"), transaction(30 * MINUTE)]
    assert told(rule, story) == [("enter", HOUR, "timer"), ("exit", 3 * HOUR, "late_event")]


def test_erasure() -> None:
    """Exits at E with the evidence of nothing; the null alone; events at or before E are ignored; then 1 again."""
    rule = page_view.within(days=2).count() >= 1
    story = [
        click(0, "page_view"),
        erase(HOUR),
        click(HOUR, "page_view"),
        click(HOUR + 1, "page_view", id="y"),
    ]
    customer = lived(rule, story)
    flips = [(flip["transition"], flip["occurred_at"] - START, flip["sequence"]) for flip in customer.flips]
    assert flips == [("enter", 0, 1), ("exit", HOUR, 2), ("enter", HOUR + 1, 1)]
    assert customer.flips[1]["reason"] == "erasure"
    assert customer.flips[1]["cause"]["event_id"] is None
    assert customer.flips[1]["evidence"][0]["value"] == "0"
    assert [each and each["sequence"] for each in customer.memberships] == [1, None, 1]


def test_an_erasure_of_a_customer_whose_instant_is_later() -> None:
    """E is the later of the erasure and the customer's instant."""
    rule = page_view.within(days=2).count() >= 1
    flips = told(rule, [click(HOUR, "page_view"), erase(0), click(HOUR, "login")])
    assert flips == [("enter", HOUR, "event"), ("exit", HOUR, "erasure")]


def test_a_profile_from_before_the_erasure_comes_back_after_r() -> None:
    """An erasure is remembered until E + R, and a profile is never too old by itself."""
    rule = [Segment(id="dutch", when=profile("country") == "NL")]
    early, late = records.profile(-5, country="NL"), records.profile(-4, country="NL")
    customer = Customer(rule)
    assert customer.apply(erase(0).step(0), NEVER) == "applied"
    assert customer.apply(early.step(1), START + DAY) == "ignored"
    assert customer.apply(late.step(2), START + DAY + 1) == "applied"


def test_forgetting() -> None:
    """At the latest event plus R, after the flips due then; an event at that instant prevents it."""
    rule = page_view.within(days=2).count() >= 1
    story = [click(0, "page_view"), click(2 * DAY, "login"), click(2 * DAY + 1, "page_view")]
    customer = lived(rule, story)
    assert [(flip["transition"], flip["sequence"]) for flip in customer.flips] == [
        ("enter", 1),
        ("exit", 2),
        ("enter", 3),
    ]
    customer = lived(rule, [story[0], story[2]])
    assert [(flip["transition"], flip["sequence"]) for flip in customer.flips] == [
        ("enter", 1),
        ("exit", 2),
        ("enter", 1),
    ]
    assert customer.memberships[1:3] == [{"sequence": 2, "segments": []}, None]


def test_valid_until() -> None:
    """The next instant at which time alone flips it, of an exit too."""
    rule = [any_event.within(days=7).count() >= 1, not_(page_view.within(days=1).count() >= 1)]
    story = [click(0, "email_open"), click(HOUR, "page_view")]
    customer = lived([Segment(id="rule", when=rule)], story, until=2 * DAY)
    assert [flip["valid_until"] and flip["valid_until"] - START for flip in customer.flips] == [
        7 * DAY,
        DAY + HOUR,
        7 * DAY + HOUR,
    ]


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
