"""Attributes of transactions: what a shop tells of an order beyond its fields."""

import pytest

from segments import replay
from segments.insight.plain import event_of
from segments.insight.proving import engine, failures
from segments.language import Segment, purchase, refund
from segments.language.errors import RuleError

WITH_COUPON = purchase.where(purchase.attributes["coupon"] == "WINTER10").within(days=1).count() >= 1
ORDER = {
    "topic": "transactions",
    "customer_id": "anna",
    "occurred_at": "2026-01-01T00:00:00Z",
    "kind": "purchase",
    "order_id": "o1",
    "amount": "10.00",
    "currency": "EUR",
}


@pytest.mark.parametrize(
    ("attributes", "enters"),
    [
        ({"attributes": {"coupon": "WINTER10", "score": "7"}}, 1),
        ({"attributes": {"coupon": "x"}}, 0),
        ({}, 0),
    ],
)
def test_a_rule_reads_the_attributes_of_an_order(attributes, enters):
    """A purchase counts by its own attribute; one without attributes has none."""
    flips = replay(
        [ORDER | {"event_id": "a"} | attributes],
        [Segment(id="rule", when=WITH_COUPON)],
        until="2026-01-01T01:00:00Z",
    )
    assert len(flips) == enters


def test_a_story_writes_them_as_it_does_those_of_clicks():
    """`purchase attributes.coupon=WINTER10` makes the record, and the story comes true."""
    stories = """
        0d   purchase attributes.coupon=x
        1h   purchase attributes.coupon=WINTER10 amount=5     enters
        25h                                                   leaves
        ---
        0d   refund attributes.reason=broken
    """
    assert failures(Segment(id="rule", when=WITH_COUPON, examples=stories), engine) == []


def test_numbers_among_them_are_numbers():
    """`.number` reads the text of an attribute of a refund as a decimal."""
    score = refund.where(refund.attributes["score"].number >= 7).within(days=1).count() >= 1
    told = ORDER | {"event_id": "a", "kind": "refund", "attributes": {"score": "7.5"}}
    assert len(replay([told], [Segment(id="rule", when=score)], until="2026-01-01T01:00:00Z")) == 1


def test_a_line_of_an_order_has_none():
    """They are of the whole order: `purchase.items` lacks them, and says so."""
    with pytest.raises(RuleError, match="attributes"):
        _ = purchase.items.attributes["coupon"]


def test_a_record_without_them_is_whole():
    """What was sent before the field existed reads as one without attributes."""
    told = {name: value for name, value in ORDER.items() if name != "topic"}
    assert event_of("transactions", told | {"event_id": "a"})["attributes"] == {}
