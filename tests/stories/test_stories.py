"""The stories of the shipped rules come true, in the engine and in the oracle.

Adding a rule adds no test code.
"""

import re
from pathlib import Path

import pytest

from deploy.demo.cluster import RULES
from segments import language
from segments.insight.proving import engine, failures
from segments.language import Segment, Stages, visit
from segments.language.checking.lint import lint
from segments.language.loading.load import load
from segments.language.nodes.events import Events
from segments.language.stories.borders import borders_read
from segments.language.stories.reader import read_stories
from tests.kit.stories import oracle

SHIPPED = load([Path(language.__file__).parent.parent])
LEARNED = load([Path(language.__file__).parent.parent / "learned"])
"""Rules by a model, by borders, and in stages: to be copied."""
DEMO = [each for each in load(RULES) if each.id not in {other.id for other in (*SHIPPED, *LEARNED)}]
"""Rules of the demo alone."""
EACH_RULE = pytest.mark.parametrize("segment", [*SHIPPED, *LEARNED, *DEMO], ids=lambda segment: segment.id)
EACH_SIMPLE = pytest.mark.parametrize(
    "segment",
    [*SHIPPED, *(each for each in LEARNED if not (borders_read(each) or each.has_values))],
    ids=lambda segment: segment.id,
)
"""Those whose stories another rule can be given: they publish no border, and name no value."""


def test_eighteen_rules_are_shipped():
    """The four of the beginning among them."""
    first = {"three_visits_without_conversion", "inactive_90_days", "high_value", "cart_abandoned"}
    assert len(SHIPPED) >= 18
    assert first <= {segment.id for segment in SHIPPED}


def test_rules_by_learned_numbers_are_shipped():
    """By a model, by a border and in stages; the model file lies beside them."""
    assert {each.id for each in LEARNED} == {
        "at_risk_of_churn",
        "likely_to_buy_again",
        "rfm_stage",
        "top_tenth",
    }


def like(segment, when, until, examples):
    """A segment with the same values, and other conditions and stories."""
    if segment.stages:
        stages = segment.stages if when is segment.when else [(name, when) for name, _ in segment.stages]
        return Stages(id=segment.id, stages=dict(stages), examples=examples)
    return Segment(id=segment.id, for_each=segment.for_each, when=when, until=until, examples=examples)


@EACH_RULE
@pytest.mark.parametrize("machine", [engine, oracle], ids=["engine", "oracle"])
def test_the_stories_of_a_rule_come_true(segment, machine):
    """What the examples tell is what happens, to the millisecond, and nothing else happens."""
    assert failures(segment, machine) == []


@EACH_RULE
def test_a_rule_lacks_nothing(segment):
    """A docstring, words in both languages, and stories that enter, leave and nearly do."""
    assert lint([segment]) == []


def test_a_rule_of_the_demo_has_a_control_group():
    """So that the console's comparison of the arms has something to compare."""
    assert [(each.id, each.aim.control) for each in DEMO] == [("cart_reminder", 50)]


@EACH_SIMPLE
def test_stories_fail_for_another_rule(segment):
    """Stories that come true whatever the rule says prove nothing."""
    never = visit.within(days=3).count() >= 999
    if segment.for_each is not None:
        never = Events(segment.for_each.events).by(segment.for_each).within(days=3).count() >= 999
    assert failures(like(segment, never, None, segment.examples), engine)


@EACH_SIMPLE
def test_a_flip_that_no_line_asserts_fails_the_story(segment):
    """With its words taken out, a story in which anything flips does not come true."""
    named = r' ("[^"]*"|\w+)' if segment.has_values else ""
    silent = re.sub(rf" +(enters|leaves)\b{named}", "", segment.examples)
    other = like(segment, segment.when, segment.until, silent)
    flipping = [story for story in read_stories(segment) if story.told]
    assert len(failures(other, engine)) == len(flipping) > 0
