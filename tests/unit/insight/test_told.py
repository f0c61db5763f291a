"""What `why` says of a customer, and the one printer of evidence that `why`, `try` and stories share."""

from pathlib import Path

import pytest

import segments
from segments.insight.told import alternatives_text, duration, entry_text, evidence_lines
from segments.insight.why import why
from segments.language import (
    Segment,
    any_of,
    consent,
    days,
    hours,
    page_view,
    product_view,
    profile,
    purchase,
    visit,
)
from segments.language.loading.load import load
from tests.unit.driving import DAY, HOUR, START, Driver

SHIPPED = load([Path(segments.__file__).parent])


def asked(driver, segment, customer="c", at=None):
    """What `why` says of one segment."""
    found = why(driver.partition, customer, segment, *([] if at is None else [START + at]))
    return found["segments"][0]


@pytest.mark.parametrize("segment", SHIPPED, ids=lambda segment: segment.id)
def test_of_a_customer_without_events_nothing_is_counted(segment):
    """Before the first event of a partition, and after: counts and sums are 0, nothing else has a value."""
    driver = Driver(*SHIPPED)
    for _ in range(2):
        found = asked(driver, segment.id, "nobody")
        assert not found["inside"]
        assert {entry["value"] for entry in found["evidence"]} <= {"0", "0.00", None, "false"}
        assert (found["warming_until"], found["flips_at"]) == (None, None)
        driver.click(0, customer="somebody")


def test_evidence_says_what_kind_of_value_it_has():
    """Durations, money, numbers, texts, the profile and what is true or false; `when` and `until` apart."""
    rule = Segment(
        id="rule",
        when=[
            visit.within(days=30).idle < days(3),
            purchase.within(days=30).mean(purchase.amount) >= 10,
            purchase.within(days=30).distinct(purchase.channel) >= 1,
            page_view.within(days=30).last(page_view.page) == "/",
            any_of(profile("country") == "NL", consent("marketing")),
        ],
        until=any_of(visit.within(days=30).count() == 0, visit.within(days=30).idle >= days(20)),
    )
    entries = asked(Driver(rule), "rule")["evidence"]
    assert [(each["kind"], each["part"], each["any_of"]) for each in entries] == [
        *(("duration", "when", None), ("money", "when", None), ("number", "when", None)),
        *(("text", "when", None), ("profile", "when", 0), ("truth", "when", 0)),
        *(("number", "until", 0), ("duration", "until", 0)),
    ]


def test_durations_are_told_in_units_whatever_narrows_the_measure():
    """With a `where`, and with the value of `by` at the end of its text."""
    rules = [
        Segment(id="where", when=page_view.where(page_view.page == "/").within(days=7).idle >= hours(1)),
        Segment(id="by", when=product_view.by(product_view.product_id).within(days=7).idle >= hours(1)),
    ]
    driver = Driver(*rules)
    driver.click(0, page="/")
    driver.click(0, kind="product_view", product_id="lamp")
    driver.until(90 * 60_000)
    for name, measure in (
        ("where", 'page_view.where(page_view.page == "/").within(days=7).idle'),
        (
            "by",
            "product_view.by(product_view.product_id).within(days=7).idle[lamp]",
        ),
    ):
        assert list(evidence_lines(asked(driver, name, at=90 * 60_000)["evidence"])) == [
            f"✓ {measure} is 1h 30m, bound >= 1h"
        ]


def test_many_alternatives_are_folded():
    """Of 81 leaves of one `any_of` those that hold are told, and how many more there are."""
    many = any_of(*(visit.within(days=7).count() == count for count in range(1, 82)))
    rule = Segment(id="rule", when=[visit.within(days=7).count() >= 1, many])
    driver = Driver(rule)
    driver.click(0)
    driver.click(HOUR)
    found = asked(driver, "rule")
    assert len(found["evidence"]) == 82
    assert list(evidence_lines(found["evidence"])) == [
        "✓ visit.within(days=7).count() is 2, bound >= 1",
        "✓ visit.within(days=7).count() is 2, bound == 2",
        "… and 80 more alternatives, of which 0 hold",
    ]
    driver.until(8 * DAY)
    out = asked(driver, "rule", at=8 * DAY)
    assert len(list(evidence_lines(out["evidence"]))) == 5
    assert alternatives_text(out["would_change"]).endswith("; or one of 76 more")


def test_when_and_until_are_told_apart():
    """A rule with an exit of its own has two heads, each on the first line of its part."""
    rule = Segment(
        id="rule",
        when=[visit.within(days=7).count() >= 2, consent("marketing")],
        until=visit.within(days=7).count() == 0,
    )
    assert list(evidence_lines(asked(Driver(rule), "rule")["evidence"])) == [
        "when  ✗ visit.within(days=7).count() is 0, bound >= 2",
        '      ✗ consent("marketing") is nothing, bound == true',
        "until ✓ visit.within(days=7).count() is 0, bound == 0",
    ]


def test_a_value_that_is_missing_is_nothing():
    """And since when a measure knows events is told with it."""
    entry = {
        "measure": "m", "operator": ">=", "value": None, "bound": "60000", "kind": "duration", "known_since": "then",
    }  # fmt: skip
    assert entry_text(entry) == "m is nothing, bound >= 1m (known since then)"
    assert [duration(each) for each in (0, 5, 61_000, DAY + HOUR + 1)] == ["0s", "5ms", "1m 1s", "1d 1h"]
