"""A customer of whom much is remembered: written in two records, counted as events come."""

import random

import pytest

from segments.engine import OLDER, Partition
from segments.language import Segment, any_event, days, page_view, product_view, purchase, visit
from tests.unit.driving import DAY, HOUR, START, Driver

SAME = Segment(
    id="same",
    when=product_view.by(product_view.product_id)
    .since(purchase.items.same(purchase.items.product_id))
    .within(days=3)
    .count()
    >= 3,
)
OFTEN = Segment(id="often", when=page_view.since(purchase).within(days=7).count() >= 3)
VISITS = Segment(id="visits", when=visit.within(days=5).count() >= 2)
IDLE = Segment(id="idle", when=any_event.within(days=30).idle >= days(10))
PRODUCTS = "abc"
MANY = 74
"""Values: more than the engine looks at before it counts all."""


def something(driver: Driver, chance: random.Random, at: int) -> None:
    """An event that several streams keep."""
    product = chance.choice(PRODUCTS)
    match chance.randrange(4):
        case 0:
            item = {"product_id": product, "category": None, "quantity": 1, "price": 1}
            driver.purchase(at, items=[item])
        case 1:
            driver.click(at)
        case _:
            driver.click(at, "product_view", product_id=product)


@pytest.mark.parametrize("seed", range(12))
def test_counted_as_events_come_is_as_counted_anew(seed: int) -> None:
    """At the limit, after each event, late ones included: what a restart would find."""
    chance = random.Random(seed)
    driver, at = Driver(SAME, OFTEN, VISITS, limit=14), 0
    for _ in range(150):
        at += chance.randrange(4 * HOUR)
        something(driver, chance, at - (chance.random() < 0.2) * chance.randrange(2 * DAY))
        partition = driver.partition
        anew = Partition(0, 1, partition.rules, partition.settings, driver.states)
        assert anew.remembered(b"c") == partition.remembered(b"c")
    assert driver.letters, "the limit was never reached"


def two_records(driver: Driver) -> bool:
    """Whether the customer has one of what is older."""
    return b"c" + OLDER in driver.states


def test_a_customer_with_many_entries_has_two_records() -> None:
    """The first one has what is new since the second was written, which does not change for a while."""
    driver = Driver(OFTEN, VISITS)
    driver.partition.apart_from(10)
    for number in range(6):
        driver.click(number * HOUR)
    assert two_records(driver)
    first, older = driver.states[b"c"], driver.states[b"c" + OLDER]
    driver.click(6 * HOUR)
    assert driver.states[b"c" + OLDER] == older
    assert driver.states[b"c"] != first
    driver.click(2 * HOUR + 1)
    assert driver.states.get(b"c" + OLDER) != older, "a late event is of before it was written"


def test_what_is_older_goes_when_little_is_left() -> None:
    """One record is enough again; an erasure and forgetting leave none."""
    for end in ("quiet", "erased", "forgotten"):
        driver = Driver(OFTEN, IDLE)
        driver.partition.apart_from(10)
        for number in range(20):
            driver.click(number * HOUR)
        assert two_records(driver), end
        match end:
            case "quiet":
                driver.click(12 * DAY)
            case "erased":
                driver.erase(12 * DAY)
            case "forgotten":
                driver.until(60 * DAY)
                assert b"c" not in driver.states
        assert not two_records(driver), end


def test_a_restart_begins_from_both_records() -> None:
    """A visit that goes on, an id that is a duplicate, a count: as if there had been no restart."""
    driver = Driver(OFTEN, VISITS, SAME)
    driver.partition.apart_from(10)
    for number in range(8):
        driver.click(number * HOUR, id=f"x{number}")
    assert two_records(driver)
    driver.open([OFTEN, VISITS, SAME])
    driver.click(7 * HOUR + HOUR // 4, id="goes on")
    driver.click(7 * HOUR + HOUR // 4, id="x2")
    assert driver.outcomes["clickstream", "duplicate"] == 1
    customer = driver.partition.remembered(b"c")
    assert customer is not None
    visits = customer["streams"]["visit"][None]
    assert [row[0] for row in visits] == [START + number * HOUR for number in range(8)]
    assert visits[-1][-1] == START + 7 * HOUR + HOUR // 4


def test_distinct_values_may_be_far_back() -> None:
    """Among many values, those that make up the bound may be the oldest of them; nothing is not a value."""
    pages = page_view.within(days=2).distinct(page_view.page)
    driver = Driver(
        Segment(id="few", when=[pages < 3, page_view.within(days=9).count() >= 1]),
        Segment(id="many", when=pages >= 3),
    )
    for hour, page in enumerate(("/a", "/b")):
        driver.click(hour * HOUR, page=page)
    for number in range(MANY):
        driver.click(2 * HOUR + number, page=None)
    assert driver.flips() == [("few", "enter", 0)]
    for number in range(MANY):
        driver.click(3 * HOUR + number, page="/c")
    driver.until(4 * DAY)
    driver.click(5 * DAY, page="/c")
    assert driver.flips()[1:] == [
        ("few", "exit", 3 * HOUR),
        ("many", "enter", 3 * HOUR),
        ("few", "enter", 2 * DAY),
        ("many", "exit", 2 * DAY),
    ]
