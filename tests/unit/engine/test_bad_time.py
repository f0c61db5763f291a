"""Clocks that are wrong, inputs that stand still: what is announced then, and what is not."""

from collections import Counter
from dataclasses import replace

import pytest

from segments.engine import POSITION_KEY, Record
from streams.telemetry.metrics import Metrics
from tests.kit.rules import CART, THREE
from tests.unit.driving import CLICK, HOUR, START, Driver

MINUTE = HOUR // 60
FIRED = ("cart", "enter", HOUR, "timer")


def click(driver, at, *, ahead, customer="device", kind="page_view"):
    """A click of a device whose clock is ahead of Kafka's by so many milliseconds; `at` is by Kafka's."""
    offset = driver.ends["clickstream"]
    event = {
        "event_id": f"d{offset}",
        "customer_id": customer,
        "occurred_at": START + at + ahead,
        "kind": kind,
    }
    driver._send(Record("clickstream", offset, START + at, customer.encode(), b"raw", CLICK | event))


def wall(driver, at, ends=None):
    """The inputs' ends are asked for while the wall clock shows an instant; then all that can be done is done."""
    driver.partition.confirm(ends or driver.ends, driver.partition.stamp, START + at)
    while driver.partition.advance():
        driver.commit()
    driver.commit()


def test_the_future_is_refused_and_moves_no_clock():
    """A year ahead: a dead letter, and nobody's flip by time fires for it."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    before = driver.partition.clock
    click(driver, MINUTE, ahead=365 * 24 * HOUR)
    assert driver.letters == [("clickstream", 1, "from_the_future")]
    assert driver.partition.clock == before
    assert driver.flips() == []


@pytest.mark.parametrize("instant", [1 << 62, -(1 << 62), (1 << 63) - 1, 253_402_300_800_000])
def test_what_is_no_instant_is_refused_and_moves_no_clock(instant):
    """Beyond the years 1 to 9999, as Avro's 64 bits hold it: a dead letter, and the partition goes on."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    driver.click(instant - START, kind="cart_add", customer="mars")
    driver.click(HOUR + 1, customer="neighbour")
    assert driver.letters == [("clickstream", 1, "undecodable")]
    assert driver.partition.clock == START + HOUR + 1
    assert driver.flips("reason") == [FIRED]


def test_a_device_an_hour_ahead_harms_nobody_but_itself():
    """All that it sends is refused, however long; its neighbour's cart is abandoned at its own instant, not earlier."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    for minute in range(1, 60):
        click(driver, minute * MINUTE, ahead=HOUR)
    assert [reason for *_, reason in driver.letters] == ["from_the_future"] * 59
    assert driver.flips() == []
    wall(driver, HOUR + 1)
    assert driver.flips("reason") == [FIRED]
    assert driver.partition.customer(b"device") is None


def test_a_device_a_little_ahead_counts_but_drives_no_clock():
    """Up to five minutes ahead are taken; the clock goes by Kafka's timestamp, so that neighbours don't fire early."""
    driver = Driver(CART, THREE)
    driver.click(0, kind="cart_add")
    for minute in (56, 57, 58):
        click(driver, minute * MINUTE, ahead=4 * MINUTE)
    assert driver.outcomes["clickstream", "applied"] == 4
    assert driver.partition.clock == START + 58 * MINUTE
    assert driver.flips("customer_id") == [("three", "enter", 62 * MINUTE, "device")]


def test_a_device_an_hour_behind_is_merged_where_it_belongs():
    """Its events are late, not lost: they count, and the clock doesn't go back."""
    driver = Driver(THREE)
    driver.click(3 * HOUR)
    click(driver, 3 * HOUR + 1, ahead=-HOUR, customer="c")
    click(driver, 3 * HOUR + 2, ahead=-HOUR, customer="c")
    assert driver.partition.clock == START + 3 * HOUR
    assert driver.flips("reason") == [("three", "enter", 3 * HOUR, "late_event")]


def test_a_wall_clock_that_jumps_ahead_fires_what_is_due_by_it_once():
    """What was due until then flips at its own instant; set right again, the clock stays, and nothing comes twice."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    wall(driver, 24 * HOUR)
    assert driver.flips("reason") == [FIRED]
    for minute in range(1, 10):
        wall(driver, minute * MINUTE)
    assert driver.partition.clock == START + 24 * HOUR
    assert driver.flips("reason") == [FIRED]
    driver.click(10 * MINUTE, customer="d", kind="cart_add")
    assert driver.flips("customer_id")[1:] == [("cart", "enter", 70 * MINUTE, "d")], (
        "due before a clock that is ahead"
    )


def test_a_wall_clock_that_jumps_back_delays_and_repeats_nothing():
    """Flips by time wait until the wall clock, or an event, is there again; then each comes at its own instant."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    wall(driver, 30 * MINUTE)
    wall(driver, -24 * HOUR)
    assert driver.partition.clock == START + 30 * MINUTE
    assert driver.flips() == []
    driver.click(2 * HOUR, customer="d")
    assert driver.flips("reason") == [FIRED]
    wall(driver, -24 * HOUR)
    assert len(driver.events) == 1


def test_a_restart_with_a_clock_set_back_fires_nothing_again():
    """The clock of a partition is in its state: a worker on a machine whose clock is behind goes on from it."""
    driver = Driver(CART)
    driver.click(0, kind="cart_add")
    wall(driver, 2 * HOUR)
    driver.open([CART])
    wall(driver, -24 * HOUR)
    assert driver.partition.clock == START + 2 * HOUR
    assert driver.flips("reason") == [FIRED]


def test_inputs_that_are_idle_hold_nothing_up():
    """Nobody buys for a day: clicks are applied as they come, and flips by time are announced."""
    driver = Driver(CART, THREE)
    driver.click(0, kind="cart_add")
    for hour in range(1, 24):
        driver.click(hour * HOUR)
        wall(driver, hour * HOUR + 1)
    assert driver.flips() == [("cart", "enter", HOUR), ("three", "enter", 3 * HOUR)]
    assert driver.partition.clock == START + 23 * HOUR + 1


def stalled():
    """Clicks of a day, while a purchase that Kafka has does not come."""
    driver = Driver(CART, THREE)
    driver.click(0, kind="cart_add", customer="d")
    driver.click(0)
    driver.waits = True
    for hour in range(1, 24):
        driver.click(hour * HOUR)
        wall(driver, hour * HOUR + 1, ends=driver.ends | {"transactions": 1})
    return driver


def test_an_input_that_is_stalled_is_waited_for():
    """Kafka has a purchase that does not come: nothing is announced that it could change, by events or by time."""
    driver = stalled()
    assert driver.flips() == []
    assert driver.partition.clock == START
    assert driver.partition.waiting
    assert driver.partition.buffered("clickstream") == 23
    driver._send(Record("clickstream", driver.ends["clickstream"], START, None, b"raw", None))
    assert driver.letters == [], "what stands behind records that wait is refused when it is at the head"


def test_after_a_stall_all_comes_as_if_there_had_been_none():
    """The purchase goes where it belongs, and each flip comes at its own instant, however late it is announced."""
    driver = stalled()
    driver.purchase(2 * HOUR + 1)
    driver.run()
    smooth = Driver(CART, THREE)
    smooth.waits = True
    smooth.click(0, kind="cart_add", customer="d")
    smooth.click(0)
    for hour in range(1, 24):
        smooth.click(hour * HOUR)
    smooth.purchase(2 * HOUR + 1)
    smooth.run()
    assert driver.events == smooth.events
    assert driver.flips("customer_id", "reason") == [
        ("three", "enter", 2 * HOUR, "c", "event"),
        ("three", "exit", 2 * HOUR + 1, "c", "event"),
        ("three", "enter", 5 * HOUR, "c", "event"),
        ("cart", "enter", HOUR, "d", "timer"),
    ]


def test_a_bug_in_the_engine_leaves_the_state_and_is_counted():
    """The customer is byte for byte as before, the dead letter is counted by its reason, and so is the record."""
    driver = Driver(THREE)
    driver.click(0)
    before = {key: state for key, state in driver.states.items() if key != POSITION_KEY}
    driver.partition.poison(["e1"])
    driver.waits = True
    driver.click(HOUR)
    driver.partition.confirm(driver.ends, driver.partition.stamp, None)
    driver.partition.advance()
    effects = driver.commit()
    assert {key: state for key, state in driver.states.items() if key != POSITION_KEY} == before
    metrics = Metrics()
    metrics.committed(replace(effects, transfers={}), Counter(clickstream=1), 0.01)
    lines = metrics.text().decode().splitlines()
    assert 'segments_dead_letters_total{reason="engine_error"} 1.0' in lines
    assert 'segments_records_total{outcome="dead_letter",topic="clickstream"} 1.0' in lines
