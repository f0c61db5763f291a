"""The rule that stock Faust is given, and the events of that comparison: by the engine the answer is the same."""

from segments.language import Segment, event, purchase, visit
from tests.stock.rule import PURCHASE, VISIT
from tests.stock.traffic import DAY, flips, history
from tests.unit.driving import START, Driver


def by_engine(events, bought):
    """What the engine says of these events, with purchases as transactions or as clicks."""
    driver = Driver(Segment(id="three", when=visit.since(bought).within(days=7).count() >= 3))
    for each in events:
        at, kind = each.at - START, {VISIT: "page_view", PURCHASE: "bought"}.get(each.kind, "email_open")
        if each.kind == PURCHASE and bought is purchase:
            driver.purchase(at, each.customer)
        else:
            driver.click(at, kind, each.customer)
    return sorted((each["customer_id"], each["transition"], each["occurred_at"]) for each in driver.events)


def test_the_plain_rule_is_the_rule():
    """Every flip of a thousand events at its instant, whether purchases come by a topic of their own or not."""
    events = history(seed=1, count=1_000, customers=30)
    assert events[-1].at - events[0].at > 28 * DAY
    expected = sorted(flips(events))
    assert len(expected) > 100
    assert by_engine(events, purchase) == expected
    assert by_engine(events, event("bought")) == expected
