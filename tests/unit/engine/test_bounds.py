"""Bounds in bytes: no record, no customer and no rule makes a record that Kafka would refuse."""

import math

import pytest

from segments.engine import POSITION_KEY, Record, Refusal
from segments.language import Segment, consent, page_view, product_view, profile, purchase
from tests.unit.driving import CLICK, DAY, HOUR, START, Driver

LONGEST = 4_096
MEGABYTE = 1_048_576
SEEN = Segment(id="seen", when=page_view.within(days=7).count() >= 1)
MARKETING = Segment(id="marketing", when=consent("marketing"))
DUTCH = Segment(id="dutch", when=profile("country") == "NL")
SAME = Segment(id="same", when=product_view.by(product_view.product_id).within(days=7).count() >= 2)


def reasons(driver: Driver) -> list[str]:
    """Why each dead letter was refused, in order."""
    return [letter.reason for letter in driver.refused]


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
def test_a_text_of_an_event_has_at_most_4096_bytes(length: int) -> None:
    """One byte more is a dead letter `too_long`, in whatever field, in items and in names of attributes too."""
    driver = Driver(SEEN)
    text = "ë" * (length // 2) + "x" * (length % 2)
    driver.click(0, page=text)
    driver.click(1, attributes={"a": text})
    driver.click(2, attributes={text: "a"})
    driver.click(3, kind=text)
    driver.purchase(4, items=[{"product_id": text, "category": None, "quantity": 1, "price": 1}])
    driver.purchase(5, channel=text)
    driver.profile(6, note=text)
    expected = "dead_letter" if length > LONGEST else "applied"
    assert driver.outcomes == {
        ("clickstream", expected): 4,
        ("transactions", expected): 2,
        ("profiles", expected): 1,
    }
    assert set(reasons(driver)) <= {"too_long"}


@pytest.mark.parametrize("size", [MEGABYTE, MEGABYTE + 1])
def test_an_event_has_at_most_a_megabyte(size: int) -> None:
    """A record whose value is longer is a dead letter `too_long`, though each of its texts is short."""
    driver = Driver(SEEN)
    event = CLICK | {"event_id": "e", "customer_id": "c", "occurred_at": START, "kind": "page_view"}
    assert (
        driver.partition.offer(
            "clickstream", 0, [Record("clickstream", 0, START, b"c", bytes(size), event)], 1
        )
        is None
    )
    driver.ends["clickstream"] = 1
    driver.run()
    assert reasons(driver) == (["too_long"] if size > MEGABYTE else [])


@pytest.mark.parametrize("bad", ["event_id", "customer_id", "kind"])
def test_an_error_is_short_whatever_the_record_holds(bad: str) -> None:
    """An id of 430 kB of control characters is not repeated: the error has at most 1,000 characters."""
    driver = Driver(SEEN)
    long = "\x01" * 430_000
    fields = {"kind": "page_view"} | {bad: long}
    event = {"event_id": "e", "customer_id": "c", "occurred_at": START} | CLICK | fields
    record = Record("clickstream", 0, START, b"c", repr(event).encode(), event)
    driver.partition.offer("clickstream", 0, [record], 1)
    driver.ends["clickstream"] = 1
    driver.run()
    assert reasons(driver) == [
        {"event_id": "invalid_id", "customer_id": "key_mismatch", "kind": "too_long"}[bad]
    ]
    assert len(driver.refused[0].error) <= 1_000


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_of_a_profile_is_finite(number: float) -> None:
    """NaN and the infinities are refused as `not_finite`, and the profile held before stays."""
    driver = Driver(DUTCH)
    driver.profile(0, country="NL")
    driver.profile(1, country="BE", score=number)
    assert reasons(driver) == ["not_finite"]
    assert driver.flips() == [("dutch", "enter", 0)]


def views(driver: Driver, count: int, length: int, start: int = 0) -> None:
    """Views of so many products whose ids have so many bytes, one a second, committed as they come."""
    for number in range(count):
        driver.click(start + number * 1000, "product_view", product_id=f"{start + number:0{length}d}")


def test_a_customer_has_a_limit_in_bytes() -> None:
    """4,500 products with ids of 2,000 bytes: a mebibyte is kept, the rest are dead letters `customer_limit`."""
    driver = Driver(SAME)
    views(driver, 4_500, 2_000)
    applied = driver.outcomes["clickstream", "applied"]
    assert reasons(driver) == ["customer_limit"] * (4_500 - applied)
    assert 400 < applied < 700
    assert sum(len(state) for state in driver.states.values()) < 1.25 * MEGABYTE
    assert len(driver.refused[0].error) <= 1_000


def test_a_customer_at_the_limit_has_room_when_bytes_are_not_needed_any_more() -> None:
    """As with the entries: a week later the views are of no use, and as many can come again."""
    driver = Driver(SAME, size=20_000)
    views(driver, 20, 2_000)
    applied = driver.outcomes["clickstream", "applied"]
    assert 8 <= applied <= 11
    driver.click(7 * DAY - 1, "product_view", product_id="x" * 2_000)
    assert driver.outcomes["clickstream", "applied"] == applied
    views(driver, 20, 2_000, 7 * DAY + HOUR)
    assert 1.5 * applied < driver.outcomes["clickstream", "applied"] <= 2 * applied + 1


@pytest.mark.parametrize("together", [1, 7, 1000])
def test_the_limit_in_bytes_does_not_depend_on_commits(together: int) -> None:
    """The same records are refused however many there are in a transaction, and after a restart."""
    driver, expected = Driver(SAME, size=30_000), Driver(SAME, size=30_000)
    views(expected, 60, 1_500)
    driver.waits = True
    for first in range(0, 60, together):
        for number in range(first, min(first + together, 60)):
            driver.click(number * 1000, "product_view", product_id=f"{number:01500d}")
        driver.run()
        waits = driver.ends["clickstream"]
        driver.open([SAME])
        assert driver.ends["clickstream"] == waits
    assert driver.letters == expected.letters != []


def test_other_customers_go_on() -> None:
    """A customer at the limit of bytes is nobody else's matter."""
    driver = Driver(SAME, size=10_000)
    views(driver, 20, 2_000)
    driver.click(0, "product_view", "other", product_id="p")
    driver.click(1, "product_view", "other", product_id="p")
    assert driver.flips("customer_id") == [("same", "enter", 1, "other")]


@pytest.mark.parametrize("limits", [{"limit": 3}, {"size": 5_000}])
def test_a_consent_that_is_withdrawn_counts_at_the_limit(limits: dict[str, int]) -> None:
    """At a limit a profile is refused, but one that takes away a consent: its consents count, its attributes do not."""
    driver = Driver(MARKETING, DUTCH, SAME, **limits)
    driver.profile(0, consents={"marketing": True}, country="NL")
    views(driver, 4, 2_000, 1)
    driver.profile(10_000, consents={"marketing": True}, country="BE")
    driver.profile(11_000, consents={"marketing": False, "news": True}, country="BE")
    assert reasons(driver)[-1] == "customer_limit"
    assert driver.letters[-1][:2] == ("profiles", 1)
    assert driver.flips("reason") == [
        ("dutch", "enter", 0, "profile"),
        ("marketing", "enter", 0, "consent"),
        ("marketing", "exit", 11_000, "consent"),
    ]
    assert [(each.kind, each.topic, each.offset) for each in driver.notices] == [
        ("consents_alone", "profiles", 2)
    ]


def test_a_profile_that_is_too_long_takes_a_consent_away_all_the_same() -> None:
    """`too_long` included: attributes stay as held. One that takes nothing away is refused; a missing name takes away."""
    driver = Driver(MARKETING, DUTCH)
    driver.profile(0, consents={"marketing": True}, country="NL")
    driver.profile(1, consents={"marketing": True}, country="BE", note="x" * 5_000)
    assert reasons(driver) == ["too_long"]
    driver.profile(2, country="BE", note="x" * 5_000)
    driver.profile(3, consents={"marketing": True}, country="NL")
    assert driver.flips() == [
        ("dutch", "enter", 0),
        ("marketing", "enter", 0),
        ("marketing", "exit", 2),
        ("marketing", "enter", 3),
    ]
    assert driver.outcomes["profiles", "applied"] == 3


def test_consents_that_are_too_long_themselves_are_not_kept() -> None:
    """A profile of a megabyte of consents takes away what it takes away, and leaves a small state."""
    driver = Driver(MARKETING)
    driver.profile(0, consents={"marketing": True})
    driver.profile(1, consents={f"{number:0100d}": True for number in range(20_000)} | {"x" * 5_000: True})
    assert driver.flips()[-1] == ("marketing", "exit", 1)
    assert sum(len(state) for state in driver.states.values()) < MEGABYTE // 4


def test_a_withdrawn_consent_survives_an_undo() -> None:
    """What a profile over a limit did is in the state: a restart knows that the consent is gone."""
    driver = Driver(MARKETING, limit=1)
    driver.profile(0, consents={"marketing": True})
    driver.profile(1)
    driver.open([MARKETING])
    driver.profile(2 * DAY, consents={"news": True})
    assert driver.flips() == [("marketing", "enter", 0), ("marketing", "exit", 1)]


def test_texts_of_evidence_have_at_most_1024_bytes() -> None:
    """Measure, value and bound of a rule with 20,000 values are cut, at a whole character, and end in `…`."""
    names = [f"pröduct-{number:09d}" for number in range(20_000)]
    many = Segment(
        id="many", when=product_view.where(product_view.product_id.is_in(names)).within(days=7).count() >= 1
    )
    among = Segment(id="among", when=product_view.within(days=7).last(product_view.product_id).is_in(names))
    keyed = Segment(id="keyed", when=product_view.by(product_view.category).within(days=7).count() >= 1)
    driver = Driver(many, among, keyed)
    driver.click(0, "product_view", product_id=names[3], category="ë" * 2_000)
    texts = {each["segment"]: each["evidence"][0] for each in driver.events}
    assert set(texts) == {"many", "among", "keyed"}
    for name, field in (("many", "measure"), ("among", "bound"), ("keyed", "measure")):
        text = texts[name][field]
        assert text.endswith("…")
        assert 1_020 < len(text.encode()) <= 1_024
    assert texts["keyed"]["measure"].startswith(
        "product_view.by(product_view.category).within(days=7).count()[ë"
    )
    assert texts["many"]["value"] == "1"


def test_a_rule_with_many_values_leaves_small_states() -> None:
    """The record beside the customers, written at each commit, does not hold the 20,000 values of a rule."""
    names = [f"product-{number:09d}" for number in range(20_000)]
    many = Segment(
        id="many", when=product_view.where(product_view.product_id.is_in(names)).within(days=7).count() >= 2
    )
    driver = Driver(many)
    driver.click(0, "product_view", product_id=names[3])
    assert len(driver.states[POSITION_KEY]) < 8_192
    driver.open([many, SEEN])
    driver.click(1, "product_view", product_id=names[4])
    assert driver.flips() == [("many", "enter", 1)]


def test_the_hundred_and_first_value_waits_for_a_place() -> None:
    """It is counted, and enters in the evaluation in which another one leaves, after it."""
    driver = Driver(
        Segment(
            id="pages",
            for_each=page_view.page,
            when=page_view.by(page_view.page).within(days=7).count() >= 1,
        )
    )
    for number in range(101):
        driver.click(number, page=f"p{number:03d}")
    assert [each[1] for each in driver.flips()] == ["enter"] * 100
    assert driver.waited == 1
    driver.until(7 * DAY)
    assert driver.flips("value")[100:] == [
        ("pages", "exit", 7 * DAY, "p000"),
        ("pages", "enter", 7 * DAY, "p100"),
    ]


def test_an_erasure_of_nobody_is_noticed() -> None:
    """A key in JSON's quotes or in Avro's frame erases nobody; a second erasure of a customer has somebody to erase."""
    driver = Driver(SEEN)
    driver.click(0)
    driver.erase(1, '"c"')
    driver.erase(2, "\x00\x00\x00\x00\x01\x02c")
    driver.erase(3, "c")
    driver.erase(4, "c")
    assert [(each.kind, each.offset, each.key) for each in driver.notices] == [
        ("erased_nobody", 0, b'"c"'),
        ("erased_nobody", 1, b"\x00\x00\x00\x00\x01\x02c"),
    ]
    assert driver.outcomes["profiles", "applied"] == 4


def test_what_is_too_old_for_every_rule_is_noticed() -> None:
    """An event ignored for its age is; one ignored since it lies before an erasure, or an older profile, is not."""
    driver = Driver(SEEN)
    driver.click(20 * DAY)
    driver.click(12 * DAY, customer="old")
    driver.erase(20 * DAY + 1, "c")
    driver.click(20 * DAY)
    driver.profile(20 * DAY, customer="d")
    driver.profile(10 * DAY, customer="d")
    assert [(each.kind, each.topic, each.offset, each.key) for each in driver.notices] == [
        ("too_old", "clickstream", 1, b"old")
    ]
    assert driver.outcomes["clickstream", "ignored"] == 2
    assert driver.outcomes["profiles", "ignored"] == 1


def test_a_currency_in_lower_case_is_noticed() -> None:
    """`eur` is another currency than EUR: an event, not money. Another one altogether is nobody's mistake."""
    spender = Segment(id="spender", when=purchase.within(days=7).sum(purchase.amount) >= 5)
    driver = Driver(spender)
    driver.purchase(0, currency="eur")
    driver.purchase(1, currency="usd")
    driver.purchase(2, currency="USD")
    assert [(each.kind, each.offset) for each in driver.notices] == [("currency_case", 0)]
    assert driver.flips() == []


def test_a_profile_from_the_future_keeps_a_consent_until_the_next_one() -> None:
    """A wrong clock is no limit: the profile is refused, and the next one, of the present, takes the consent away."""
    driver = Driver(MARKETING)
    driver.profile(0, consents={"marketing": True})
    ahead = {
        "event_id": "x",
        "customer_id": "c",
        "occurred_at": START + DAY,
        "attributes": {},
        "consents": {},
    }
    driver.partition.offer("profiles", 1, [Record("profiles", 1, START, b"c", b"raw", ahead)], 2)
    driver.ends["profiles"] = 2
    driver.run()
    assert (reasons(driver), len(driver.flips())) == (["from_the_future"], 1)
    driver.profile(1, consents={})
    assert driver.flips()[1:] == [("marketing", "exit", 1)]


@pytest.mark.parametrize("outright", [False, True])
def test_a_record_that_is_named_beforehand_is_refused(outright: bool) -> None:
    """By topic and offset, before it is offered; a profile that takes a consent away is not, unless outright."""
    driver = Driver(MARKETING, SEEN)
    driver.profile(0, consents={"marketing": True})
    for topic in ("clickstream", "profiles"):
        driver.partition.refuse(topic, 1, Refusal("too_large", "Kafka refused it."), outright=outright)
    for number in range(3):
        driver.click(10 * DAY * number)
    driver.profile(20 * DAY, country="NL")
    assert driver.letters == [("clickstream", 1, "too_large")] + [("profiles", 1, "too_large")] * outright
    assert [flip[:2] for flip in driver.flips()].count(("seen", "enter")) == 2
    assert (("marketing", "exit", 20 * DAY) in driver.flips()) == (not outright)
