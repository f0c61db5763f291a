"""The stories of the shipped rules come true, in the engine and in the oracle.

Adding a rule adds no test code.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from segments import language
from segments.insight.proving import START, Flip, engine, failures
from segments.language import Segment, visit
from segments.language.checking.lint import lint
from segments.language.loading.load import load
from segments.language.stories.reader import Story, read_stories
from segments.language.truth.life import Customer, Step

SHIPPED = load([Path(language.__file__).parent.parent])
EACH_RULE = pytest.mark.parametrize("segment", SHIPPED, ids=lambda segment: segment.id)


def oracle(rules: Sequence[Segment], story: Story, currency: str) -> list[Flip]:
    """A story as the slow truth lives it."""
    customer, clock = Customer(rules, currency), float("-inf")
    for line in story.lines:
        now = START + line.at
        if line.event is not None:
            topic, record = line.event.topic, line.event.record
            cause = {"topic": topic, "partition": 0, "offset": 0, "event_id": record and record["event_id"]}
            outcome = customer.apply(Step(cause, record, now), clock)
            if record is not None and outcome == "applied":
                clock = max(clock, now)
        customer.fire(START + line.last + 1)
    words = {"enter": "enters", "exit": "leaves"}
    flips = [flip for flip in customer.flips if flip["segment"] == rules[0].id]
    return [Flip(flip["occurred_at"] - START, words[flip["transition"]]) for flip in flips]


def test_twelve_rules_are_shipped():
    """The four of the beginning among them."""
    assert len(SHIPPED) >= 12


@EACH_RULE
@pytest.mark.parametrize("machine", [engine, oracle], ids=["engine", "oracle"])
def test_the_stories_of_a_rule_come_true(segment, machine):
    """What the examples tell is what happens, to the millisecond, and nothing else happens."""
    assert failures(segment, machine) == []


@EACH_RULE
def test_a_rule_lacks_nothing(segment):
    """A docstring, words in both languages, and stories that enter, leave and nearly do."""
    assert lint([segment]) == []


@EACH_RULE
def test_stories_fail_for_another_rule(segment):
    """Stories that come true whatever the rule says prove nothing."""
    other = Segment(id=segment.id, when=visit.within(days=3).count() >= 999, examples=segment.examples)
    assert failures(other, engine)


@EACH_RULE
def test_a_flip_that_no_line_asserts_fails_the_story(segment):
    """With its words taken out, a story in which anything flips does not come true."""
    silent = segment.examples.replace(" enters", "").replace(" leaves", "")
    other = Segment(id=segment.id, when=segment.when, until=segment.until, examples=silent)
    flipping = [story for story in read_stories(segment) if story.told]
    assert len(failures(other, engine)) == len(flipping) > 0
