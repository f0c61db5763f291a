"""`after`: what came later than something else, by less than a span."""

import pytest

from segments.insight.proving import engine, failures
from segments.language import (
    RuleError,
    Segment,
    cart_add,
    checkout,
    days,
    email_click,
    product_view,
    purchase,
    search,
    visit,
)
from segments.language.checking.lint import lint
from segments.language.nodes.text import measure_text, rule_text
from segments.plan.planner import plan
from segments.plan.version import version

DAY = 86_400_000
BOUGHT = purchase.items.after(product_view.same(product_view.product_id), days=7)
CHAIN = checkout.after(cart_add.after(product_view, days=1), hours=2)


@pytest.mark.parametrize(
    ("when", "examples"),
    [
        (
            purchase.after(email_click, days=2).within(days=3).count() >= 1,
            """
            0d        email_click
            0d        purchase                # at the same instant is not later
            1d 23h    purchase     enters
            4d 23h    leaves
            ---
            0d        email_click
            2d        purchase                # two days are over
            ---
            1d        purchase
            23h       email_click             # a late click: the purchase had come after it
            1d        enters
            4d        leaves
            """,
        ),
        (
            purchase.after(email_click.where(email_click.channel == "app"), days=2).within(days=9).idle
            < days(1),
            """
            0d   email_click channel=web
            1h   purchase
            2h   email_click channel=app
            3h   purchase                   enters
            1d 3h                           leaves
            3d   purchase
            """,
        ),
        (
            BOUGHT.by(purchase.items.product_id).within(days=9).count() >= 1,
            """
            0d   product_view product_id=coat
            1d   purchase product_id=hat
            2d   purchase product_id=hat,coat   enters
            11d  leaves
            """,
        ),
        (
            CHAIN.within(days=1).count() >= 1,
            """
            0d       product_view
            23h      cart_add
            1d 30m   checkout       enters
            2d 30m   leaves
            3d       cart_add                   # no view before it
            3d 1h    checkout
            """,
        ),
    ],
    ids=["plain", "where", "same", "chain"],
)
def test_stories_of_what_came_after(when, examples):
    """Later, by less than the span; late events count where they belong; time alone ends it with the window."""
    segment = Segment(id="rule", when=when, examples=examples)
    assert failures(segment, engine) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: purchase.after(email_click, 30), "Write .after(days=30)"),
        (lambda: purchase.after(email_click), "after() needs a length"),
        (lambda: purchase.within(days=3).after(email_click, days=1), "Write it before them"),
        (lambda: purchase.by(purchase.channel).after(email_click, days=1), "Write it before them"),
        (lambda: purchase.after(email_click.within(days=3), days=1), "narrowed by nothing but where"),
        (lambda: purchase.after("email_click", days=1), "a set of events was expected"),
        (lambda: purchase.after(email_click, days=1).after(visit, days=1), "stands twice"),
        (lambda: purchase.after(CHAIN, days=1), "a chain of 4 events"),
        (lambda: visit.since(purchase.after(email_click, days=1)), "narrowed by nothing but where and same"),
    ],
)
def test_what_after_does_not_take(make, message):
    """Each misuse is an error that says what to write."""
    with pytest.raises(RuleError) as refused:
        make()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        (BOUGHT, "same(product_view.product_id) has no by to be the same as."),
        (BOUGHT.by(purchase.items.quantity), "they are never the same."),
        (
            purchase.after(email_click.where(purchase.channel == "web"), days=1),
            "used for email_click.",
        ),
    ],
)
def test_what_the_linter_refuses(events, problem):
    """`same` needs a `by` of the same type, and a filter is of its own events."""
    segment = Segment(id="rule", when=events.within(days=9).count() >= 1)
    assert any(each.problem.endswith(problem) for each in lint([segment]) if each.blocking)


def test_the_text_can_be_read_again_and_is_of_the_version():
    """In the order of the grammar; the chain counts for what is remembered."""
    when = CHAIN.within(days=3).count() >= 1
    text = "checkout.after(cart_add.after(product_view, days=1), hours=2).within(days=3).count()"
    assert measure_text(when.measure) == text
    assert rule_text(when) == f"{text} >= 1"
    segment = Segment(id="rule", when=when)
    assert plan([segment]).retention == 4 * DAY + 2 * 3_600_000
    other = Segment(id="rule", when=checkout.after(cart_add, hours=2).within(days=3).count() >= 1)
    assert version(segment) != version(other)
    of_visits = Segment(id="rule", when=search.after(visit, days=1).within(days=3).count() >= 1)
    assert plan([of_visits]).retention == 4 * DAY + 30 * 60_000


@pytest.mark.parametrize(("hours", "text"), [(48, "days=2"), (36, "hours=36"), (24, "days=1")])
def test_lengths_are_told_in_the_largest_whole_unit(hours, text):
    """A day and a half are 36 hours, as `after` and `ago` tell it; a window is told as rules had it before."""
    measure = checkout.after(cart_add, hours=hours).within(hours=36).ago(hours=hours).count()
    told = f"checkout.after(cart_add, {text}).within(days=1, hours=12).ago({text}).count()"
    assert measure_text(measure) == told
