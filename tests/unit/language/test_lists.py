"""Lists of a profile: what there are several of, and `profile("interests").has("travel")`."""

import pytest

from segments import replay
from segments.insight.plain import EventError, event_of
from segments.insight.proving import engine, failures
from segments.language import Segment, any_event, not_, profile
from segments.language.errors import RuleError
from tests.unit.driving import Driver

TRAVELS = profile("interests").has("travel")


def told(**lists):
    """A profile with these lists."""
    return {
        "topic": "profiles",
        "event_id": f"p-{lists}",
        "customer_id": "anna",
        "occurred_at": "2026-01-01T00:00:00Z",
        "lists": lists,
    }


@pytest.mark.parametrize(
    ("lists", "value"),
    [
        ({"interests": ["food", "travel"]}, "true"),
        ({"interests": ["food"]}, "false"),
        ({"interests": []}, "false"),
        ({"other": ["travel"]}, None),
        ({}, None),
    ],
)
def test_a_rule_asks_whether_a_list_has_a_value(lists, value):
    """It is true, false, or null without such a list; the bound is `true`."""
    known = any_event.within(days=1).count() >= 1
    rule = Segment(id="rule", when=[known, TRAVELS if value == "true" else not_(TRAVELS)])
    view = {"topic": "clickstream", "event_id": "v", "customer_id": "anna", "kind": "page_view"}
    [flip] = replay(
        [told(**lists), view | {"occurred_at": "2026-01-01T00:00:01Z"}], [rule], until="2026-01-01T01:00:00Z"
    )
    assert flip["evidence"][1] == {
        "measure": 'profile("interests").has("travel")',
        "value": value,
        "bound": "true",
        "holds": value == "true",
    }


def test_a_story_writes_a_list_with_commas():
    """`profile lists.interests=travel,food` is a list of two; a quoted value is one text."""
    stories = """
        0d   profile lists.interests=food,travel     enters
        1d   profile lists.interests="travel,food"   leaves
        ---
        0d   profile lists.interests=travel          enters
        1d   erase                                   leaves
    """
    assert failures(Segment(id="rule", when=TRAVELS, examples=stories), engine) == []


def test_a_profile_is_whole():
    """The lists of a profile replace those held, and its flips have the reason `profile`."""
    first, second = (
        told(interests=["travel"]),
        told(sports=["travel"]) | {"occurred_at": "2026-01-02T00:00:00Z"},
    )
    flips = replay([first, second], [Segment(id="rule", when=TRAVELS)], until="2026-01-03T00:00:00Z")
    assert [(each["transition"], each["reason"]) for each in flips] == [
        ("enter", "profile"),
        ("exit", "profile"),
    ]


def test_a_text_of_a_list_is_bounded():
    """One of more than 4,096 bytes is a dead letter `too_long`, which names the list."""
    driver = Driver(Segment(id="rule", when=TRAVELS))
    driver._event(
        "profiles", 0, "ann", "p", {"attributes": {}, "consents": {}, "lists": {"a": ["é" * 2_049]}}
    )
    driver.run()
    assert driver.letters == [("profiles", 0, "too_long")]


def test_a_list_holds_texts():
    """A number in it is refused with its place, as a value that is no text is by the rule."""
    with pytest.raises(EventError, match=r"lists\.interests\[1\]"):
        event_of(
            "profiles", {name: each for name, each in told(interests=["a", 3]).items() if name != "topic"}
        )
    with pytest.raises(RuleError, match="a text was expected"):
        profile("interests").has(3)
