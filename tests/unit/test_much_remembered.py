"""A customer of whom much is remembered: written in two records, counted as events come."""

import random

import pytest

from segments.engine import OLDER, state
from segments.engine.customer import Customer, occupied
from segments.engine.kernels import LATEST
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
    """At the limit, after each event, late ones included: what a count of all would find."""
    chance = random.Random(seed)
    driver, at, full = Driver(SAME, OFTEN, VISITS, limit=14), 0, 0
    plan = driver.partition.rules.plan
    for _ in range(150):
        at += chance.randrange(4 * HOUR)
        something(driver, chance, at - (chance.random() < 0.2) * chance.randrange(2 * DAY))
        customer = driver.partition._customers.find(b"c")
        assert customer is not None
        full += customer.ends is not None
        anew = state.decode(b"c", driver.states[b"c"], len(plan.streams), None, driver.states.get)
        for now in (customer.instant, customer.instant + HOUR, customer.instant + 2 * DAY):
            assert occupied(customer, plan, now) == occupied(anew, plan, now)
    assert full, "the limit was never reached"
    assert driver.letters


MINUTE = HOUR // 60
LOOKED = 3 * DAY + 39 * MINUTE


def products_held(driver: Driver) -> int:
    """Of how many products something is held, needed or not."""
    customer = driver.partition._customers.find(b"c")
    assert customer is not None
    return len(customer.streams[0] or ())


def eighty_products() -> Driver:
    """They were looked at one a minute; forty of them, which were not needed any more, are forgotten at `LOOKED`."""
    driver = Driver(SAME)
    for number in range(80):
        driver.click(number * MINUTE, "product_view", product_id=f"p{number}")
    assert products_held(driver) == 80
    driver.click(LOOKED)
    assert products_held(driver) == 40
    return driver


def test_what_is_no_longer_needed_is_looked_for_when_much_is_new() -> None:
    """Not at each commit, though from minute to minute one product more is not needed."""
    driver = eighty_products()
    driver.click(LOOKED + 10 * MINUTE)
    assert products_held(driver) == 40, "little is new, and no time has passed"
    later = LOOKED + 10 * MINUTE + DAY // state.LAZY
    driver.click(later)
    assert products_held(driver) == 40, "time has passed, and little is new"
    for product in "xy":
        driver.click(later, "product_view", product_id=product)
    assert products_held(driver) == 2, "an eighth of the entries is new: ids and products"


def test_what_is_no_longer_needed_is_not_looked_for_again_at_once() -> None:
    """However much is new: not before an eighth of a day, where no window is shorter than that."""
    driver = eighty_products()
    for number in range(30):
        driver.click(LOOKED + number * MINUTE, "product_view", product_id=f"new{number}")
    assert products_held(driver) == 40 + 30


def test_what_is_no_longer_needed_is_looked_for_when_a_day_is_over() -> None:
    """However little is new."""
    driver = eighty_products()
    driver.click(LOOKED + DAY + DAY // state.LAZY - 1)
    assert products_held(driver) == 40
    driver.click(LOOKED + DAY + DAY // state.LAZY)
    assert products_held(driver) == 0


def test_at_the_limit_what_is_no_longer_needed_does_not_pile_up() -> None:
    """Six products at a time are needed, and the ids of a day fill the limit: these are not all that is looked at."""
    hourly = product_view.by(product_view.product_id).within(hours=1).count()
    driver, most = Driver(Segment(id="hourly", when=hourly >= 3), limit=100), 0
    for number in range(400):
        driver.click(number * HOUR // 6, "product_view", product_id=f"p{number}")
        most = max(most, products_held(driver))
    assert driver.letters, "the limit was never reached"
    assert most <= 6 + 100 // state.LAZY + 1


def two_records(driver: Driver) -> bool:
    """Whether the customer has one of what is older."""
    return b"c" + OLDER in driver.states


def test_a_customer_with_many_entries_has_two_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one has what is new since the second was written, which does not change for a while."""
    monkeypatch.setattr(state, "FEW", 10)
    driver = Driver(OFTEN, VISITS)
    for number in range(6):
        driver.click(number * HOUR)
    assert two_records(driver)
    first, older = driver.states[b"c"], driver.states[b"c" + OLDER]
    driver.click(6 * HOUR)
    assert driver.states[b"c" + OLDER] is older
    assert driver.states[b"c"] != first
    driver.click(2 * HOUR + 1)
    assert driver.states.get(b"c" + OLDER) != older, "a late event is of before it was written"


def test_what_is_older_goes_when_little_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """One record is enough again; an erasure and forgetting leave none."""
    monkeypatch.setattr(state, "FEW", 10)
    for end in ("quiet", "erased", "forgotten"):
        driver = Driver(OFTEN, IDLE)
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


def test_a_restart_begins_from_both_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit that goes on, an id that is a duplicate, a count: as if there had been no restart."""
    monkeypatch.setattr(state, "FEW", 10)
    driver = Driver(OFTEN, VISITS, SAME)
    for number in range(8):
        driver.click(number * HOUR, id=f"x{number}")
    assert two_records(driver)
    driver.open([OFTEN, VISITS, SAME])
    driver.click(7 * HOUR + HOUR // 4, id="goes on")
    driver.click(7 * HOUR + HOUR // 4, id="x2")
    assert driver.outcomes["clickstream", "duplicate"] == 1
    customer = driver.partition._customers.find(b"c")
    assert isinstance(customer, Customer)
    visits = next(
        kept
        for stream, kept in zip(driver.partition.rules.plan.streams, customer.streams, strict=True)
        if stream.visits
    )
    assert visits[0] == [START + number * HOUR for number in range(8)]
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
    for number in range(LATEST + 10):
        driver.click(2 * HOUR + number, page=None)
    assert driver.flips() == [("few", "enter", 0)]
    for number in range(LATEST + 10):
        driver.click(3 * HOUR + number, page="/c")
    driver.until(4 * DAY)
    driver.click(5 * DAY, page="/c")
    assert driver.flips()[1:] == [
        ("few", "exit", 3 * HOUR),
        ("many", "enter", 3 * HOUR),
        ("few", "enter", 2 * DAY),
        ("many", "exit", 2 * DAY),
    ]
