"""What a rule is said to keep of a customer, in bytes, is what the worker writes."""

import pytest

from segments.insight.size import sizes, state
from segments.language import Segment, consent, page_view, product_view, purchase, visit
from tests.unit.driving import DAY, Driver

MINUTE = 60_000
RULES = (
    Segment(id="spender", when=purchase.within(days=30).sum(purchase.amount) >= 100),
    Segment(id="visitor", when=visit.within(days=30).count() >= 3),
    Segment(id="fan", when=product_view.by(product_view.product_id).within(days=30).count() >= 3),
    Segment(id="category", when=page_view.within(days=30).distinct(page_view.category) >= 3),
)


def written(rule, events):
    """The bytes of a customer with so many events, of whom no id is remembered any more."""
    driver = Driver(rule)
    for number in range(events):
        at, text = number * 40 * MINUTE, f"product-{1000 + number}"
        driver.click(at, kind="product_view", product_id=text)
        driver.click(at, category=text, id=f"p{number}")
        driver.purchase(at, amount=49_95 + number)
    driver.click(5 * DAY, kind="email_open")
    return len(driver.states[b"c"])


@pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])
def test_the_bytes_of_an_entry(rule):
    """An entry more makes the state longer by as much as was said."""
    (size,) = sizes(rule, [rule])
    assert abs((written(rule, 60) - written(rule, 20)) / 40 - size.each) < 1.5


def test_what_rules_share_is_said():
    """The other rules that keep the same events, and how much of a customer is theirs too."""
    often = Segment(id="often", when=[purchase.within(days=7).count() >= 3, consent("marketing")])
    lines = state(often, [*RULES, often])
    assert lines[0].startswith("purchase: the time of each, for 7 days: ")
    assert lines[0].endswith("; shared with spender")
    assert lines[1] == "the profile: until the customer is erased"
    assert lines[2].startswith("a customer with 10 of each: ")
    assert lines[2].endswith(" of them shared")
    assert state(Segment(id="may", when=consent("marketing")), RULES) == [
        "the profile: until the customer is erased"
    ]
