"""`segments.try_rules`: a whole rule set on events of the past, in one pass."""

import pytest

import segments
from segments.language import Segment, Stages, page_view, purchase
from segments.language.errors import SegmentsError
from tests.unit.insight.visitors import EVENTS, order

LOOKING = Segment(id="looking", when=page_view.within(days=7).count() >= 2)
BUYER = Segment(id="buyer", when=purchase.within(days=30).count() >= 1)
PATH = Stages(id="path", stages={"buyer": purchase.within(days=30).count() >= 1})


@pytest.mark.parametrize("partitions", [1, 3])
def test_sizes_shares_overlap_and_who_is_in_none(partitions):
    """All rules are counted at one instant, over all partitions."""
    found = segments.try_rules(EVENTS, [LOOKING, BUYER, PATH], "2026-01-04T00:00:00Z", partitions=partitions)
    assert (found["as_of"], found["customers"], found["in_none"]) == ("2026-01-04T00:00:00.000Z", 3, 1)
    sizes = {name: (each["members"], each["share"]) for name, each in found["segments"].items()}
    assert sizes == {"buyer": (1, 1 / 3), "looking": (2, 2 / 3), "path": (1, 1 / 3)}
    assert found["overlap"] == [
        {"segments": pair, "customers": 1}
        for pair in (["buyer", "looking"], ["buyer", "path"], ["looking", "path"])
    ]


def test_each_measure_has_its_values_around_the_bound():
    """One customer looked once, a near miss; two looked twice, which is the bound."""
    [leaf] = segments.try_rules(EVENTS, LOOKING, "2026-01-04T00:00:00Z")["segments"]["looking"]["leaves"]
    counted = {each["from"]: each["customers"] for each in leaf["groups"] if each["customers"]}
    assert (leaf["holds"], leaf["missing"], counted) == (2, 0, {"1": 1, "2": 2})
    assert leaf["percentiles"] == {"10": "1", "25": "1", "50": "2", "75": "2", "90": "2", "99": "2"}


def test_what_time_ends_is_counted_at_the_instant():
    """A week later nobody looks any more; the buyer still is one."""
    found = segments.try_rules(EVENTS, [LOOKING, BUYER], "2026-01-12T00:00:00Z")
    assert {name: each["members"] for name, each in found["segments"].items()} == {"buyer": 1, "looking": 0}


def test_late_and_refused_events_are_counted():
    """By reason once, with the first of them; nothing at all gives no share."""
    broken = order("ann", 4) | {"event_id": "x" * 200}
    found = segments.try_rules([*EVENTS, broken], BUYER, "2026-01-05T00:00:00Z")
    [[count, first]] = found["refused"].values()
    assert (count, "transactions" in first) == (1, True)
    nobody = segments.try_rules([], BUYER)
    assert (nobody["customers"], nobody["segments"]["buyer"]["share"]) == (0, None)
    with pytest.raises(SegmentsError):
        segments.try_rules(EVENTS)
