"""The stories of the shipped rules come true, in the engine and in the oracle.

Adding a rule adds no test code.
"""

from pathlib import Path

import pytest

from segments import language
from segments.insight.proving import engine, failures
from segments.language import Segment, visit
from segments.language.checking.lint import lint
from segments.language.loading.load import load
from segments.language.stories.borders import borders_read
from segments.language.stories.reader import read_stories
from tests.kit.stories import oracle

SHIPPED = load([Path(language.__file__).parent.parent])
LEARNED = load([Path(language.__file__).parent.parent / "learned"])
"""Rules by a model, by borders, and in stages: to be copied."""
EACH_RULE = pytest.mark.parametrize("segment", [*SHIPPED, *LEARNED], ids=lambda segment: segment.id)
EACH_SIMPLE = pytest.mark.parametrize(
    "segment",
    [*SHIPPED, *(each for each in LEARNED if not (borders_read(each) or each.has_values))],
    ids=lambda segment: segment.id,
)
"""Those whose stories another rule can be given: they publish no border, and name no value."""


def test_twelve_rules_are_shipped():
    """The four of the beginning among them."""
    first = {"three_visits_without_conversion", "inactive_90_days", "high_value", "cart_abandoned"}
    assert len(SHIPPED) >= 12
    assert first <= {segment.id for segment in SHIPPED}


def test_rules_by_learned_numbers_are_shipped():
    """By a model, by a border and in stages; the model file lies beside them."""
    assert {each.id for each in LEARNED} == {
        "at_risk_of_churn",
        "likely_to_buy_again",
        "rfm_stage",
        "top_tenth",
    }


@EACH_RULE
@pytest.mark.parametrize("machine", [engine, oracle], ids=["engine", "oracle"])
def test_the_stories_of_a_rule_come_true(segment, machine):
    """What the examples tell is what happens, to the millisecond, and nothing else happens."""
    assert failures(segment, machine) == []


@EACH_RULE
def test_a_rule_lacks_nothing(segment):
    """A docstring, words in both languages, and stories that enter, leave and nearly do."""
    assert lint([segment]) == []


@EACH_SIMPLE
def test_stories_fail_for_another_rule(segment):
    """Stories that come true whatever the rule says prove nothing."""
    other = Segment(id=segment.id, when=visit.within(days=3).count() >= 999, examples=segment.examples)
    assert failures(other, engine)


@EACH_SIMPLE
def test_a_flip_that_no_line_asserts_fails_the_story(segment):
    """With its words taken out, a story in which anything flips does not come true."""
    silent = segment.examples.replace(" enters", "").replace(" leaves", "")
    other = Segment(id=segment.id, when=segment.when, until=segment.until, examples=silent)
    flipping = [story for story in read_stories(segment) if story.told]
    assert len(failures(other, engine)) == len(flipping) > 0
