"""Stories of rules that read a border: a line publishes it, and the flips that it brings are asserted like others."""

import pytest

from segments.insight.proving import engine, failures
from segments.language import Segment, StoryError, purchase, top
from segments.language.stories.reader import read_stories
from tests.kit.stories import oracle

ORDERS = purchase.within(days=30)
SPENT = ORDERS.sum(purchase.amount)
TWO = "purchase.within(days=30).sum(purchase.amount)"


def best(examples, **parts):
    """A rule with these stories."""
    return Segment(id="best", when=top(percent=10) <= SPENT, examples=examples, **parts)


@pytest.mark.parametrize("machine", [engine, oracle], ids=["engine", "oracle"])
@pytest.mark.parametrize(
    "segment",
    [
        best("""
        0d    border 100
        1d    purchase amount=100   enters
        2d    border 150            leaves
        3d    border 80.5           enters
        31d                         leaves
        """),
        best("""
        0d    purchase amount=100
        1d    border 100            enters
        1d 1m border 101            leaves
        1d 1m border 100            enters
        """),
        best(
            f"""
            0d    border "{TWO} top(percent=10)" 100
            1d    purchase amount=100
            2d    border "{TWO} top(percent=20)" 50    enters
            3d    border "{TWO}" 120                   leaves
            """,
            until=top(percent=20) > SPENT,
        ),
    ],
)
def test_a_line_publishes_a_border(segment, machine):
    """Before it the rule is false; who lies between two borders flips at the line; time goes on."""
    assert failures(segment, machine) == []


@pytest.mark.parametrize(
    ("segment", "problem"),
    [
        (best("0d border"), "a number was expected"),
        (best("0d border many"), "a number was expected"),
        (best('0d border "orders" 5'), "no border orders"),
        (best("0d x2 every 1d border 5"), "published once"),
        (best("~1d border 5"), "at an instant"),
        (best("0d border 5", until=top(percent=20) > SPENT), "Which border"),
        (Segment(id="plain", when=ORDERS.count() >= 1, examples="0d border 5"), "reads no border"),
    ],
)
def test_what_is_no_border_is_refused(segment, problem):
    """The author is told what was expected, or which borders there are."""
    with pytest.raises(StoryError, match=problem):
        read_stories(segment)
