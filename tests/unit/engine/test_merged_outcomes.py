"""Watches of two ids that turn out to be one customer: whose they are, which arm they have, when they are told."""

from dataclasses import replace
from typing import Any

import pytest

from segments.language import Segment, cart_add, purchase
from tests.properties.records import HOUR, MINUTE, START, Arrival, click, transaction
from tests.unit.engine.shop import ANNA, Shop, linking

TREATED, CONTROL = "anon-7", "berta"
"""Ids of these arms in the experiment `winter`; anna is treated."""
counts = pytest.mark.parametrize("count", [1, 7])


def watched(id: str = "carts", minutes: int = 480, **more: Any) -> Segment:
    """A rule that whoever fills a cart enters for a week, with a goal of so many minutes."""
    goal = purchase.within(minutes=minutes)
    when = cart_add.within(days=7).count() >= 1
    return Segment(id=id, en="Carts", nl="Karren", when=when, goal=goal, revenue=purchase.amount, **more)


def cart(at: int, customer: str) -> Arrival:
    """An article put into a cart."""
    return click(at, "cart_add", customer, f"{customer}@{at}")


def told(shop: Shop, *fields: str) -> list[tuple[Any, ...]]:
    """These fields of the outcomes, in order."""
    found = [each for effects in shop.effects for _, each in effects.segment_outcomes]
    return [tuple(each[name] for name in fields) for each in found]


WINTER = watched(control=50, experiment="winter")


@counts
@pytest.mark.parametrize(("absorbed", "arm"), [(TREATED, "treated"), (CONTROL, "control")])
def test_an_open_watch_goes_on_at_the_customer_who_goes_on(count: int, absorbed: str, arm: str) -> None:
    """Under their id, with that of the enter and the arm that it drew; what is bought under either id counts."""
    shop = Shop(count, [WINTER]).live(
        cart(0, absorbed), linking(HOUR, absorbed, ANNA),
        transaction(2 * HOUR, amount=700, customer=absorbed, id="p1"),
        transaction(3 * HOUR, amount=50, customer=ANNA, id="p2"), until=START + 9 * HOUR,
    )  # fmt: skip
    assert told(shop, "customer_id", "entered_as", "kind", "arm", "goals", "revenue") == [
        (ANNA, absorbed, "converted", arm, 1, 700),
        (ANNA, absorbed, "matured", arm, 2, 750),
    ]
    arms = [(each["customer_id"], each["transition"], each["arm"]) for each in shop.flips]
    assert arms == [(absorbed, "enter", arm), (absorbed, "exit", arm), (ANNA, "enter", "treated")]
    assert not any(effects.dropped for effects in shop.effects)


@counts
@pytest.mark.parametrize(
    ("absorbed", "first", "expected"),
    [(TREATED, 0, (TREATED, "treated")), (CONTROL, 0, (CONTROL, "mixed")), (CONTROL, 2, (ANNA, "mixed"))],
    ids=["of one arm", "of both arms", "the other one entered first"],
)
def test_of_two_watches_the_earlier_enter_stays(
    count: int, absorbed: str, first: int, expected: tuple[str, str]
) -> None:
    """Of the same segment; if their arms differ it belongs to neither."""
    shop = Shop(count, [WINTER]).live(
        cart(first * MINUTE, absorbed), cart(MINUTE, ANNA), linking(HOUR, absorbed, ANNA),
        until=START + 9 * HOUR,
    )  # fmt: skip
    assert told(shop, "kind", "customer_id", "entered_as", "arm") == [("matured", ANNA, *expected)]


def test_what_matured_before_the_merge_is_told_in_order_of_instants() -> None:
    """A link that comes late brings watches whose windows are over at the customer's instant: the first to end is told first."""
    rules = [watched("alpha", 2), watched("beta", 1)]
    late = replace(click(4 * MINUTE, "search", ANNA, "ahead"), timestamp=START)
    before = replace(linking(4 * MINUTE + 1, "x", "y", "l0"), timestamp=START)
    shop = Shop(1, rules).live(cart(0, TREATED), late, before, linking(1000, TREATED, ANNA))
    assert told(shop, "segment", "kind", "occurred_at", "customer_id") == [
        ("beta", "matured", START + MINUTE, ANNA),
        ("alpha", "matured", START + 2 * MINUTE, ANNA),
    ]


def test_the_watches_of_a_state_count_for_the_limit_of_who_takes_it_in() -> None:
    """With a goal one entry more has to have room, or the state is a dead letter."""

    def least(rule: Segment) -> int:
        story = cart(0, TREATED), click(1, "search", ANNA, "s"), linking(HOUR, TREATED, ANNA)
        return min(limit for limit in range(1, 20) if not Shop(1, [rule], limit).live(*story).letters)

    plain = Segment(id="carts", en="Carts", nl="Karren", when=WINTER.when)
    assert least(WINTER) == least(plain) + 1
