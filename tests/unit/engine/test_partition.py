"""What a partition promises, one sentence of SEMANTICS.md at a time."""

from segments.engine import POSITION_KEY
from segments.language import (
    Segment,
    any_event,
    consent,
    days,
    email_open,
    hours,
    minutes,
    not_,
    page_view,
    profile,
    purchase,
)
from tests.kit.rules import CART, THREE
from tests.unit.driving import DAY, HOUR, Driver

IDLE = Segment(id="idle", when=any_event.within(days=30).idle >= days(10))


def test_a_duplicate_has_no_effect_for_24_hours():
    """The same id in the same topic counts once, until a day after the first was applied."""
    driver = Driver(THREE)
    driver.click(0, id="x")
    driver.click(HOUR, id="x")
    driver.purchase(HOUR, id="x")
    driver.click(DAY - 1, id="x")
    assert driver.outcomes == {
        ("clickstream", "applied"): 1,
        ("clickstream", "duplicate"): 2,
        ("transactions", "applied"): 1,
    }
    driver.click(DAY, id="x")
    assert driver.outcomes["clickstream", "applied"] == 2


def test_what_has_no_effect_is_not_written_again():
    """A duplicate moves the position of the partition, and costs no record of the customer's state."""
    driver = Driver(THREE)
    driver.click(0, id="x")
    driver.waits = True
    driver.click(HOUR, id="x")
    driver.partition.confirm(driver.ends, driver.partition.stamp, None)
    driver.partition.advance()
    effects = driver.partition.collect_effects()
    assert effects is not None
    assert set(effects.states) == {POSITION_KEY}
    assert effects.offsets["clickstream"] == 2


def test_what_is_too_old_is_ignored():
    """An event older than the longest window before the clock is ignored, and counted."""
    driver = Driver(THREE)
    driver.click(10 * DAY)
    driver.click(3 * DAY)
    driver.click(3 * DAY - 1)
    assert driver.outcomes == {("clickstream", "applied"): 2, ("clickstream", "ignored"): 1}


def test_a_late_event_flips_now():
    """A late event counts where it belongs and flips at the customer's instant, with the reason late_event."""
    driver = Driver(THREE)
    driver.click(DAY)
    driver.click(2 * DAY)
    driver.click(0)
    assert driver.flips("reason", "sequence") == [("three", "enter", 2 * DAY, "late_event", 1)]


def test_flips_at_one_instant_come_in_the_order_of_segment_ids():
    """One evaluation flips several segments in ascending order of id, and one memberships record follows."""
    driver = Driver(
        Segment(id="b", when=page_view.within(days=1).count() >= 1),
        Segment(id="a", when=page_view.within(days=1).count() >= 1),
    )
    driver.click(0)
    assert driver.flips("sequence", "episode") == [("a", "enter", 0, 1, 1), ("b", "enter", 0, 2, 2)]
    assert [each["segment"] for each in driver.memberships[0][1]["segments"]] == ["a", "b"]
    driver.until(DAY)
    assert driver.flips("sequence", "episode")[2:] == [("a", "exit", DAY, 3, 1), ("b", "exit", DAY, 4, 2)]
    assert len(driver.memberships) == 2 + 1, "and a null as the customer is forgotten"


def test_a_segment_read_by_another_flips_with_it():
    """A segment that is a condition of another is evaluated first, in the same evaluation."""
    base = Segment(id="z_base", when=page_view.within(days=1).count() >= 1)
    reader = Segment(id="a_reader", when=[base, purchase.within(days=3).count() >= 1])
    driver = Driver(base, reader)
    driver.purchase(0)
    driver.click(HOUR)
    assert driver.flips("reason") == [
        ("a_reader", "enter", HOUR, "event"),
        ("z_base", "enter", HOUR, "event"),
    ]
    driver.until(HOUR + DAY)
    assert driver.flips("reason")[2:] == [
        ("a_reader", "exit", HOUR + DAY, "timer"),
        ("z_base", "exit", HOUR + DAY, "timer"),
    ]


def test_a_changed_consent_is_a_reason_of_its_own():
    """A flip by a consent that the rule reads says consent; by another part of the profile, profile."""
    agreed = Segment(id="agreed", when=consent("marketing"))
    dutch = Segment(id="dutch", when=[profile("country") == "NL", page_view.within(days=9).count() >= 0])
    driver = Driver(agreed, dutch)
    driver.profile(0, consents={"marketing": True}, country="NL")
    assert driver.flips("reason") == [("agreed", "enter", 0, "consent"), ("dutch", "enter", 0, "profile")]


def test_an_older_profile_is_ignored():
    """A profile older than the one held has no effect."""
    driver = Driver(Segment(id="dutch", when=profile("country") == "NL"))
    driver.profile(DAY, country="BE")
    driver.profile(0, country="NL")
    assert driver.flips() == []
    assert driver.outcomes["profiles", "ignored"] == 1


def test_an_erasure_leaves_every_segment_and_begins_anew():
    """After an erasure exits follow, then a null alone; what is at or before it is ignored; sequence begins again."""
    driver = Driver(Segment(id="seen", when=page_view.within(days=1).count() >= 1))
    driver.click(0)
    driver.erase(HOUR)
    assert driver.flips("reason", "sequence", "episode")[1:] == [("seen", "exit", HOUR, "erasure", 2, 1)]
    assert driver.events[1]["cause"] == {"topic": "profiles", "partition": 0, "offset": 0, "event_id": None}
    assert driver.events[1]["evidence"][0]["value"] == "0"
    assert driver.memberships[1:] == [(b"c", None)]
    driver.click(HOUR)
    driver.profile(HOUR - 1)
    assert driver.outcomes["clickstream", "ignored"] == driver.outcomes["profiles", "ignored"] == 1
    driver.click(HOUR + 1)
    assert driver.flips("sequence")[2:] == [("seen", "enter", HOUR + 1, 1)]


def test_a_customer_is_forgotten_after_the_longest_window():
    """Nothing is left of a customer R after their latest event; the state goes, and a null tells subscribers."""
    driver = Driver(THREE)
    for day in (0, 1, 2):
        driver.click(day * DAY)
    driver.until(9 * DAY - 1)
    assert b"c" in driver.states
    driver.until(9 * DAY)
    assert b"c" not in driver.states
    assert driver.memberships[-1] == (b"c", None)


def test_a_profile_keeps_a_customer():
    """A customer with a profile is not forgotten, and their sequence goes on."""
    driver = Driver(Segment(id="seen", when=page_view.within(days=1).count() >= 1))
    driver.profile(0)
    driver.click(0)
    driver.until(100 * DAY)
    driver.click(100 * DAY)
    assert [each["sequence"] for each in driver.events] == [1, 2, 3]


def test_a_bot_is_bounded_and_neighbours_are_not():
    """Beyond the limit of entries a customer's events are dead letters; when the old ones are over they are not."""
    driver = Driver(THREE, limit=20)
    for second in range(50):
        driver.click(second * 1000)
        driver.click(second * 1000, customer="neighbour") if second < 5 else None
    refused = {reason for *_, reason in driver.letters}
    assert refused == {"customer_limit"}
    assert len(driver.letters) == 40
    driver.click(8 * DAY)
    assert len(driver.letters) == 40


def test_one_who_is_needed_again_is_counted_again():
    """Of the latest event alone is kept: when it was over and another comes, that is an entry more."""
    opened = Segment(id="opened", when=email_open.within(hours=1).idle >= minutes(30))
    often = Segment(id="often", when=page_view.within(days=30).count() >= 100)
    driver = Driver(opened, often, limit=5)
    # Nothing is committed on the way: a commit would count anew.
    driver.waits = True
    driver.click(0, kind="email_open")
    for hour in (36, 37, 38):
        driver.click(hour * HOUR)
    driver.click(63 * HOUR, kind="email_open")
    driver.click(63 * HOUR + 1)
    driver.run()
    assert driver.letters == [("clickstream", 5, "customer_limit")]


def test_one_who_had_room_again_is_counted_anew():
    """When the limit was reached last says nothing of what has come since."""
    often = Segment(id="often", when=page_view.within(days=30).count() >= 100)
    quiet = Segment(id="quiet", when=page_view.within(days=30).idle >= hours(30))
    driver = Driver(often, quiet, limit=5)
    for hour in range(4):
        driver.click(hour * HOUR)
    assert driver.letters == [("clickstream", 3, "customer_limit")]
    # The ids are over, and what is left was counted for the commit of this flip.
    driver.until(32 * HOUR)
    assert driver.flips() == [("quiet", "enter", 32 * HOUR)]
    driver.click(33 * HOUR)
    driver.click(34 * HOUR)
    assert driver.letters[1:] == [("clickstream", 5, "customer_limit")]


def test_a_bug_undoes_one_record():
    """An event that raises a bug becomes a dead letter, with the customer as before, and the next one is applied."""
    driver = Driver(THREE)
    driver.click(0)
    driver.click(HOUR)
    driver.partition.poison(["e2"])
    driver.click(2 * HOUR)
    assert driver.letters == [("clickstream", 2, "engine_error")]
    assert driver.flips() == []
    driver.click(3 * HOUR)
    assert driver.flips("sequence") == [("three", "enter", 3 * HOUR, 1)]
    assert driver.events[0]["evidence"][0]["value"] == "3", "the refused event doesn't count"


def test_a_bug_in_a_flip_by_time_is_counted():
    """A bug in a flip by time leaves the customer as they are until their next record."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    driver.partition.poison(["c"])
    driver.until(2 * HOUR)
    assert driver.errors == 1
    driver.partition.poison([])
    driver.until(2 * HOUR)
    assert driver.flips() == []
    driver.click(3 * HOUR)
    assert driver.flips("reason") == [("cart", "enter", HOUR, "timer")]


def test_changed_customers_are_bounded_between_commits():
    """The only partition of a worker holds 20,000; a customer counts once; when they are written there is room."""
    driver = Driver(IDLE)
    driver.waits = True
    driver.click(0, customer="c0", id="again")
    for number in range(20_000):
        driver.click(0, customer=f"c{number}", id=f"x{number}")
    driver.partition.confirm(driver.ends, driver.partition.stamp, None)
    driver.partition.advance(20_000)
    assert not driver.partition.full
    driver.partition.advance(1)
    assert driver.partition.full
    driver.commit()
    assert not driver.partition.full


def test_a_restart_changes_nothing():
    """A partition made anew from the committed states fires what came due, once, each at its own instant."""
    driver = Driver(CART, IDLE)
    driver.click(0, kind="cart_add")
    driver.open([CART, IDLE])
    driver.until(20 * DAY)
    driver.open([CART, IDLE])
    driver.until(40 * DAY)
    assert driver.flips() == [
        ("cart", "enter", HOUR),
        ("idle", "enter", 10 * DAY),
        ("cart", "exit", 30 * DAY),
        ("idle", "exit", 30 * DAY),
    ]


def test_no_rule_may_see_the_unknown():
    """The measure of what did not happen is no reason to be in a segment together with an event."""
    driver = Driver(
        Segment(
            id="quiet",
            when=[not_(purchase.within(days=2).count() >= 1), page_view.within(days=2).count() >= 1],
        )
    )
    driver.click(0)
    driver.purchase(HOUR)
    driver.until(3 * DAY)
    assert driver.flips() == [("quiet", "enter", 0), ("quiet", "exit", HOUR)]
