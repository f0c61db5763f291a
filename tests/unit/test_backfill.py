"""New measures of a rule that was added are filled from the past, as if they had always been there."""

import pytest

from segments.engine import BEFORE_ALL, INPUTS, EngineSettings, Past, Refill, RuleSet, listening
from segments.language import Segment, page_view, purchase, visit
from tests.kit.rules import CART
from tests.unit.driving import DAY, HOUR, START, Driver

SEEN = Segment(id="seen", when=page_view.within(days=7).count() >= 1)
BUYER = Segment(id="buyer", when=purchase.within(days=30).sum(purchase.amount) >= 30)
VISITOR = Segment(id="visitor", when=visit.within(days=3).count() >= 2)


class Recording(Driver):
    """A driver that keeps the topics, so that they can be read once more."""

    def __init__(self, *segments, **settings):
        self.log = {topic: [] for topic in INPUTS}
        super().__init__(*segments, **settings)

    def _send(self, record):
        self.log[record.topic].append(record)
        super()._send(record)

    def fill(self, segments, *wanted, complete=None, most=None, log=None):
        """Fill measures of these rules; `most`: only so many of the batches, as if it crashed then."""
        rules = RuleSet(segments)
        refill = Refill(self.states, rules, wanted, 1)
        past = Past(0, 1, listening(rules), EngineSettings(grace=0))
        log = self.log if log is None else log
        past.begin(0, dict.fromkeys(INPUTS, 0), refill.offsets)
        for topic in INPUTS:
            past.offer(topic, 0, log[topic], refill.offsets[topic])
        past.work()
        for batch in list(refill.batches(past, complete or {}))[:most]:
            for key, state in batch.items():
                self.states[key] = state
        return refill

    def take_over(self, *segments):
        """What flips as other rules take over."""
        before = len(self.events)
        self.open(segments)
        self.run()
        return self.flips("reason")[before:]


def shopper(driver):
    """Two purchases, a cart left, and a page seen."""
    driver.click(0)
    driver.purchase(HOUR, amount=2000)
    driver.purchase(2 * HOUR, amount=1500)
    driver.click(3 * HOUR, kind="cart_add")
    driver.click(5 * HOUR, customer="other")


def test_a_rule_filled_before_its_workers_start():
    """It enters whoever would have been in it, at the clock of the change, with the values of always."""
    driver = Recording(SEEN)
    shopper(driver)
    rules = (SEEN, BUYER, CART)
    driver.fill(rules, "buyer", "cart")
    assert driver.take_over(*rules) == [
        ("buyer", "enter", 5 * HOUR, "rule_added"),
        ("cart", "enter", 5 * HOUR, "rule_added"),
    ]
    assert driver.events[-2]["evidence"][0]["value"] == "35.00"
    assert driver.partition.known_since == {}
    driver.until(31 * DAY)
    assert {
        ("buyer", "exit", 30 * DAY + HOUR, "timer"),
        ("cart", "exit", 30 * DAY + 3 * HOUR, "timer"),
    } <= {*driver.flips("reason")}


def test_a_rule_that_runs_already_is_filled():
    """What came before the change and after it counts together; only rules whose measures were filled are looked at."""
    driver = Recording(SEEN)
    shopper(driver)
    rules = (SEEN, BUYER, CART)
    assert driver.take_over(*rules) == []
    since = driver.partition.known_since
    assert set(since.values()) == {START + 5 * HOUR}
    driver.purchase(6 * HOUR, customer="other", amount=4000)
    assert driver.flips("reason")[-1] == ("buyer", "enter", 6 * HOUR, "event")
    refill = driver.fill(rules, "buyer")
    assert list(refill.missing.values()) == [START + 5 * HOUR]
    assert driver.take_over(*rules) == [("buyer", "enter", 6 * HOUR, "rule_added")]
    assert [*driver.partition.known_since] == ["cart_add.since(purchase).within(days=30).idle"]
    assert driver.fill(rules, "buyer").missing == {}


def test_one_who_was_forgotten_is_remembered_again():
    """Older rules looked back a week: whoever was silent for longer comes back with what the new rule wants to know."""
    driver = Recording(SEEN)
    driver.purchase(0, amount=5000)
    driver.click(10 * DAY, customer="other")
    assert driver.states.keys() == {b"other", b"\xff/position"}
    driver.fill((SEEN, BUYER), "buyer")
    assert driver.take_over(SEEN, BUYER) == [("buyer", "enter", 10 * DAY, "rule_added")]
    assert driver.events[-1]["customer_id"] == "c"


def test_what_was_erased_stays_erased():
    """Neither what came before an erasure counts, nor who was erased and has not come back."""
    driver = Recording(SEEN)
    driver.purchase(0, amount=5000)
    driver.purchase(0, amount=5000, customer="gone")
    driver.erase(HOUR)
    driver.erase(HOUR, customer="gone")
    driver.purchase(2 * HOUR, amount=1000)
    driver.fill((SEEN, BUYER), "buyer")
    assert driver.take_over(SEEN, BUYER) == []
    driver.purchase(3 * HOUR, amount=2000)
    assert driver.events[-1]["evidence"][0]["value"] == "30.00"


def test_a_history_cut_short():
    """What retention has deleted is missing: the measure is known from there on, and what is kept longer stays."""
    driver = Recording(SEEN, BUYER)
    driver.purchase(0, amount=1000)
    driver.purchase(5 * DAY, amount=1000)
    driver.purchase(6 * DAY, amount=1000, customer="other")
    often = Segment(id="often", when=purchase.within(days=20).count() >= 2)
    rules = (SEEN, BUYER, often)
    rest = driver.log | {"transactions": driver.log["transactions"][1:]}
    driver.purchase(7 * DAY, customer="zoe")
    cut = START + 4 * DAY
    assert driver.fill(rules, "often", complete={"transactions": cut}, log=rest).known(
        {"transactions": cut}
    ) == {"purchase.within(days=20).count()": cut}
    assert driver.take_over(*rules) == []
    driver.purchase(7 * DAY, amount=1000)
    assert [each[:3] for each in driver.flips()[-2:]] == [
        ("buyer", "enter", 7 * DAY),
        ("often", "enter", 7 * DAY),
    ]
    assert driver.partition.known_since == {"purchase.within(days=20).count()": cut}
    assert (
        driver.fill(rules, "often", complete={"transactions": cut + 1}).known({"transactions": cut + 1}) == {}
    )


@pytest.mark.parametrize("runs", [False, True], ids=["new rules", "rules that run"])
def test_a_crash_between_any_two_batches(runs, monkeypatch):
    """Until the last one nothing shows; filling once more ends as if nothing had happened."""
    monkeypatch.setattr("segments.engine.refill.AT_ONCE", 3)
    driver, rules = Recording(SEEN), (SEEN, BUYER, VISITOR)
    for number in range(8):
        driver.purchase(0, amount=5000, customer=f"c{number}")
        driver.click(HOUR, customer=f"c{number}")
        driver.click(2 * HOUR, customer=f"c{number}")
    if runs:
        driver.take_over(*rules)
    for crash in range(3):
        driver.fill(rules, "buyer", "visitor", most=crash)
        if runs:
            assert driver.take_over(*rules) == []
    driver.fill(rules, "buyer", "visitor")
    found = driver.take_over(*rules)
    assert len(found) == 16
    assert {each[2:] for each in found} == {(2 * HOUR, "rule_added")}
    assert driver.partition.known_since == {}


def test_a_crash_and_back_to_the_rules_of_before():
    """A measure that the new rules do not have knows events from its return on, as after any change."""
    other = Segment(id="often", when=page_view.within(days=3).distinct(page_view.page) >= 2)
    driver = Recording(SEEN, other)
    driver.click(0, page="/")
    driver.click(HOUR, page="/", customer="d")
    driver.fill((SEEN, BUYER), "buyer", most=1)
    assert driver.take_over(SEEN, other) == []
    assert driver.partition.known_since == {"page_view.within(days=3).distinct(page_view.page)": START + HOUR}
    driver.click(2 * HOUR, page="/sale")
    assert driver.flips()[-1] == ("seen", "enter", HOUR), (
        "the page seen before the change is not known any more"
    )


def test_a_rule_that_reads_one_that_was_filled():
    """It is looked at again too, and both flip in one evaluation."""
    both = Segment(id="both", when=[BUYER, SEEN])
    driver = Recording(SEEN)
    shopper(driver)
    driver.take_over(SEEN, BUYER, both)
    driver.fill((SEEN, BUYER, both), "buyer")
    assert driver.take_over(SEEN, BUYER, both) == [
        ("both", "enter", 5 * HOUR, "rule_added"),
        ("buyer", "enter", 5 * HOUR, "rule_added"),
    ]


def test_a_group_that_never_ran_has_nothing_to_fill():
    """It reads the topics from their beginning anyway."""
    refill = Refill({}, RuleSet([BUYER]), ["buyer"], 1)
    assert (refill.missing, refill.clock) == ({}, BEFORE_ALL)
