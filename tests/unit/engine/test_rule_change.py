"""A new rule set takes over a partition before anything else (SEMANTICS.md, section 7)."""

from segments.language import Segment, any_event, days, page_view
from tests.kit.rules import CART
from tests.unit.driving import DAY, HOUR, START, Driver


def seen(count=1, id="seen", days_=7):
    """Somebody who was seen so many times in so many days."""
    return Segment(id=id, when=page_view.within(days=days_).count() >= count)


def _changed(driver, *segments):
    driver.open(segments)
    before = len(driver.events)
    driver.run()
    return driver.flips("reason", "sequence")[before:]


def test_the_same_rules_change_nothing():
    """Rules written in another way are the same rules: no flip, no sweep."""
    driver = Driver(seen(), CART)
    driver.click(0)
    driver.open([CART, Segment(id="seen", when=[page_view.within(hours=168).count() >= 1], en="Other words")])
    assert driver.partition.sweeping == 0
    driver.run()
    assert len(driver.events) == 1


def test_a_rule_added_flips_at_the_clock():
    """A new rule whose measure was kept anyway knows it, and flips at the later of customer's instant and clock."""
    driver = Driver(seen(2))
    driver.click(0)
    driver.click(HOUR, customer="other")
    assert _changed(driver, seen(2), seen(1, id="once")) == [
        ("once", "enter", HOUR, "rule_added", 1),
        ("once", "enter", HOUR, "rule_added", 1),
    ]
    assert [event["customer_id"] for event in driver.events] == ["c", "other"], (
        "customers in the order of their keys"
    )


def test_a_rule_changed_flips_those_whom_it_changes():
    """An edited bound flips those whose membership differs, and keeps the memory and the episode of the others."""
    driver = Driver(seen(1))
    driver.click(0)
    driver.click(HOUR, customer="two")
    driver.click(2 * HOUR, customer="two")
    assert _changed(driver, seen(2)) == [("seen", "exit", 2 * HOUR, "rule_changed", 2)]
    driver.until(7 * DAY + HOUR)
    assert driver.flips("episode")[-1] == ("seen", "exit", 7 * DAY + HOUR, 1)


def test_a_rule_removed_is_left():
    """Members of a removed rule leave it, with its last version and no evidence; the state goes on."""
    driver = Driver(seen(1), CART)
    driver.click(0)
    version = driver.events[0]["segment_version"]
    assert _changed(driver, CART) == [("seen", "exit", 0, "rule_removed", 2)]
    assert driver.events[-1]["segment_version"] == version
    assert driver.events[-1]["evidence"] == []
    assert driver.memberships[-1][1]["segments"] == []
    assert driver.partition.members["seen"] == 0


def test_a_rule_renamed_is_one_removed_and_one_added():
    """Both flips come in one evaluation, in the order of ids."""
    driver = Driver(seen(1, id="old"))
    driver.click(0)
    assert _changed(driver, seen(1, id="new")) == [
        ("new", "enter", 0, "rule_added", 2),
        ("old", "exit", 0, "rule_removed", 3),
    ]


def test_a_rule_put_back_knows_what_was_kept_meanwhile_only():
    """A measure that was gone knows events from its return on."""
    driver = Driver(seen(1), CART)
    driver.click(0)
    _changed(driver, CART)
    assert _changed(driver, seen(1), CART) == []
    driver.click(HOUR)
    assert driver.flips()[-1] == ("seen", "enter", HOUR)
    assert driver.events[-1]["evidence"][0]["value"] == "1", "the click before is not known any more"


def test_a_new_measure_knows_events_from_then_on():
    """A measure of a new window begins at the clock of the change, though another one kept the same events."""
    driver = Driver(seen(2, days_=7))
    driver.click(0)
    driver.click(HOUR)
    driver.click(2 * HOUR, customer="other")
    assert _changed(driver, seen(2, days_=14)) == [("seen", "exit", 2 * HOUR, "rule_changed", 2)]
    assert driver.events[-1]["evidence"][0]["value"] == "0"
    driver.click(3 * HOUR)
    driver.click(4 * HOUR)
    assert driver.flips("reason")[-1] == ("seen", "enter", 4 * HOUR, "event")


def test_what_was_due_fires_first():
    """Rules that go on fire what came due before the committed clock, each at its own instant, before the change."""
    driver = Driver(CART, seen(1))
    driver.click(0, kind="cart_add")
    driver.waits = True
    driver.click(3 * HOUR, customer="other")
    driver.partition.confirm(driver.ends, driver.partition.stamp, None)
    driver.partition.advance(1)
    driver.commit()
    driver.waits = False
    assert len(driver.events) == 1, "the cart is due, and has not fired yet"
    flips = [each[:4] for each in _changed(driver, CART, seen(2))]
    assert flips == [("cart", "enter", HOUR, "timer"), ("seen", "exit", 3 * HOUR, "rule_changed")]


def test_a_take_over_survives_a_crash():
    """A sweep that was cut goes on where it stood: nobody twice, nobody left out, events only afterwards."""
    whole, cut = Driver(seen(2)), Driver(seen(2))
    for driver in (whole, cut):
        for number in range(40):
            driver.click(0, customer=f"c{number}")
    whole.open([seen(1)])
    whole.run()
    cut.open([seen(1)])
    for _ in range(3):
        cut.partition.advance(7)
        cut.commit()
        cut.open([seen(1)])
    assert cut.partition.sweeping == 40 - 21
    cut.run()
    assert cut.events == whole.events
    assert cut.states == whole.states


def test_two_changes_in_a_row():
    """A third rule set takes over those whom the second had not reached yet from the first."""
    driver = Driver(seen(2))
    for number in range(10):
        driver.click(0, customer=f"c{number}")
    driver.open([seen(1)])
    driver.partition.advance(4)
    driver.commit()
    driver.open([seen(2), CART])
    driver.run()
    assert [(each["customer_id"], each["transition"]) for each in driver.events] == [
        *((f"c{number}", "enter") for number in range(4)),
        *((f"c{number}", "exit") for number in range(4)),
    ]
    assert driver.partition.members["seen"] == 0


def test_hysteresis_goes_on_over_a_change():
    """A segment with an exit of its own keeps its members when another rule is added."""
    idle = Segment(
        id="quiet",
        when=any_event.within(days=30).idle >= days(2),
        until=any_event.within(days=30).count() != 1,
    )
    driver = Driver(idle)
    driver.click(0)
    driver.until(3 * DAY)
    assert _changed(driver, idle, CART) == []
    driver.click(4 * DAY)
    assert driver.flips()[-1] == ("quiet", "exit", 4 * DAY)


def test_the_clock_and_start_are_kept():
    """The clock of a partition is committed with the state and does not go back."""
    driver = Driver(seen(1))
    driver.click(5 * HOUR)
    assert driver.open([seen(1)]).clock == START + 5 * HOUR
