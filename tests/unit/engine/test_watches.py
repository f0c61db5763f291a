"""What an open watch takes: an entry of the limit, and the window of the goal in what is remembered."""

from segments.language import Segment, page_view, purchase
from tests.unit.driving import DAY, Driver

PLAIN = Segment(id="seen", when=page_view.within(days=1).count() >= 1)
WATCHED = Segment(id="seen", when=page_view.within(days=1).count() >= 1, goal=purchase.within(days=10))


def accepted(rule: Segment, limit: int) -> int:
    """How many of ten clicks of a minute are not over the limit of entries."""
    driver = Driver(rule, limit=limit)
    for number in range(10):
        driver.click(number)
    return 10 - len(driver.letters)


def test_an_open_watch_is_one_entry_of_the_limit():
    """With one more, as many events have room as without a goal."""
    limits = range(4, 12)
    without = [accepted(PLAIN, limit) for limit in limits]
    assert [accepted(WATCHED, limit + 1) for limit in limits] == without
    assert [accepted(WATCHED, limit) for limit in limits] != without


def test_the_window_of_the_goal_counts_for_what_is_remembered():
    """A purchase of nine days ago is no old event to a rule whose goal has ten days, and finds the watch open."""
    for rule, outcome in ((PLAIN, "ignored"), (WATCHED, "applied")):
        driver = Driver(rule)
        driver.click(0)
        driver.click(9 * DAY, customer="other")
        driver.purchase(DAY)
        assert driver.outcomes["transactions", outcome] == 1
    (told,) = [each for each in driver.told if each["kind"] == "converted"]
    assert told["first_goal_at"] - told["entered_at"] == DAY
