"""A split: a share of all customers, the same ones wherever its name stands."""

from decimal import Decimal

import pytest

from segments import replay
from segments.language import Segment, any_of, page_view, split
from segments.language.nodes.text import leaf_text
from segments.language.truth.drawn import bucket
from segments.plan.version import version

SEEN = page_view.within(days=1).count() >= 1
CUSTOMERS = [f"customer-{number}" for number in range(40)] + ["märz", "日本"]


def entered(*conditions):
    """Who enters by one page view."""
    events = [
        {
            "topic": "clickstream",
            "event_id": f"e{number}",
            "customer_id": customer,
            "occurred_at": "2026-01-01T00:00:00Z",
            "kind": "page_view",
        }
        for number, customer in enumerate(CUSTOMERS)
    ]
    return replay(events, [Segment(id="rule", when=[SEEN, *conditions])], until="2026-01-01T01:00:00Z")


@pytest.mark.parametrize(("percent", "start", "end"), [(30, 0, 3_000), ((30, 62.5), 3_000, 6_250)])
def test_a_split_holds_for_its_share_of_the_customers(percent, start, end):
    """The engine draws as hashlib does: BLAKE2b of name, NUL, id, modulo 10,000, from the start to below the end."""
    drawn = {each for each in CUSTOMERS if start <= bucket("winter", each) < end}
    assert 0 < len(drawn) < len(CUSTOMERS)
    assert {flip["customer_id"] for flip in entered(split("winter", percent=percent))} == drawn


def test_the_evidence_of_a_split_is_true_or_false():
    """Its text is as it is written, its value `true` or `false`, its bound `true`."""
    first, rest = split("winter", percent=30), split("winter", percent=(30, 100))
    flips = entered(any_of(first, rest))
    told = {
        (entry["measure"], entry["value"], entry["bound"], entry["holds"])
        for flip in flips
        for entry in flip["evidence"][1:]
    }
    assert told == {
        ('split("winter", percent=30)', "true", "true", True),
        ('split("winter", percent=30)', "false", "true", False),
        ('split("winter", percent=(30, 100))', "true", "true", True),
        ('split("winter", percent=(30, 100))', "false", "true", False),
    }
    assert len(flips) == len(CUSTOMERS)


@pytest.mark.parametrize("percent", [(0, 10), 10.0, Decimal("10.00")])
def test_equal_shares_are_one_text(percent):
    """A share that begins at 0 is written by its end; a percentage has one normal form."""
    first, other = (Segment(id="rule", when=[SEEN, split("a", percent=each)]) for each in (10, percent))
    assert leaf_text(other.when.parts[1]) == 'split("a", percent=10)'
    assert version(first) == version(other)
    assert version(first) != version(Segment(id="rule", when=[SEEN, split("a", percent=11)]))
