"""The oracle over time, sentence by sentence of SEMANTICS.md: what flips when in one customer's life."""

from segments.language import (
    Segment,
    any_event,
    cart_add,
    consent,
    hours,
    not_,
    page_view,
    profile,
    purchase,
)
from segments.language.truth.life import Customer
from segments.language.truth.memory import NEVER
from tests.properties import records
from tests.properties.records import DAY, HOUR, MINUTE, START, click, erase, transaction
from tests.properties.telling import GRACE, lived, told


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
