"""A rule with other numbers: which it has, what stands in their place, and what is refused."""

import pytest

from segments.insight.varying import NoNumber, numbers_of, with_numbers
from segments.language.errors import RuleError
from segments.language.loading.load import load
from segments.language.nodes.text import rule_text

RULE = '''"""A rule."""
from segments.language import Segment, any_event, any_of, days, not_, profile, purchase

{name} = Segment(
    when=[
        purchase.within(days=30).sum(purchase.amount) >= 49.5,
        any_of(not_(any_event.within(days=30).idle >= days(2)), profile("age") > 30, profile("country") == "NL"),
    ],
    until=any_of(any_event.within(days=30).idle >= days(20), any_event.within(days=30).count() == 0),
)
'''


@pytest.fixture
def folder(tmp_path):
    """A rule with all kinds of numbers, and one that reads it."""
    (tmp_path / "rule.py").write_text(RULE.format(name="rule"))
    return tmp_path


def varied(folder, given):
    """The rule's conditions with other numbers."""
    rules = with_numbers([folder], "rule", given, ("EUR", "UTC"), "")
    (rule,) = [each for each in rules.segments if each.id == "rule"]
    return rule_text(rule.when), rule_text(rule.until), rules


def test_the_numbers_of_a_rule_are_its_bounds(folder):
    """Numbers and durations, in the largest whole unit; texts and truths are none."""
    (rule,) = load([folder])
    assert [(each.place, each.value, each.unit) for each in numbers_of(rule)] == [
        (0, "49.5", ""),
        (1, "2", "days"),
        (2, "30", ""),
        (4, "20", "days"),
        (5, "0", ""),
    ]


def test_other_numbers_stand_in_their_place(folder):
    """All else of the rule stays, and its version is another one."""
    when, until, rules = varied(folder, {0: "100.00", 1: "1.5", 4: "10"})
    assert ">= 100," in when
    assert "idle >= days(1) + hours(12)" in when
    assert '.name("age") > 30' in when or 'profile("age") > 30' in when
    assert "idle >= days(10)" in until
    same = varied(folder, {})[2]
    assert same.versions != rules.versions
    assert same.versions == varied(folder, {0: "49.50"})[2].versions


@pytest.mark.parametrize("given", ["", "four", "-1", "nan", "Infinity", "1e99", "1" * 50])
def test_what_is_no_number_is_refused(folder, given):
    """In words that say what was expected."""
    with pytest.raises(NoNumber, match="a number from 0"):
        varied(folder, {0: given})


def test_numbers_that_make_a_wrong_rule_are_refused_as_by_the_linter(folder):
    """A duration that its window can't reach: a refusal with the mend, not a trial."""
    with pytest.raises(RuleError, match="30"):
        varied(folder, {1: "40"})
