"""A rule with other numbers: which it has, what stands in their place, and what is refused."""

import pytest

from segments.engine import EngineSettings, PlannedRules, load
from segments.insight.trial import RuleTrial
from segments.insight.varying import NoNumber, NoPercentage, borders_read, numbers_of, with_numbers

RULE = '''"""A rule."""
from segments.language import Segment, any_event, any_of, days, not_, profile, purchase, today, years

rule = Segment(
    when=[
        purchase.within(days=30).sum(purchase.amount) >= 49.5,
        any_of(not_(any_event.within(days=30).idle >= days(2)), profile("age") > 30, profile("country") == "NL"),
        purchase.within(days=30).sum(purchase.amount) / purchase.within(days=30).count() < 80,
        purchase.within(days=30).mean(purchase.amount) < 70,
        profile("born").date.age >= years(18),
        today.hour >= 9,
    ],
    until=any_of(any_event.within(days=30).idle >= days(20), any_event.within(days=30).count() == 0),
)
'''
OTHER = '''"""A rule with the same leaf."""
from segments.language import Segment, purchase

other = Segment(when=purchase.within(days=30).sum(purchase.amount) >= 49.5)
'''


@pytest.fixture
def rules(tmp_path):
    """A rule with all kinds of numbers, and one with a leaf of the same text, as a deployment has them."""
    (tmp_path / "rule.py").write_text(RULE)
    (tmp_path / "other.py").write_text(OTHER)
    return PlannedRules(load([tmp_path]).data.to_bytes())


def bounds(rules, name):
    """The bounds of a rule's evidence, of somebody of whom nothing is known."""
    trial = RuleTrial(rules, name, 1, EngineSettings())
    trial.begin(0, {})
    (view,) = [each for each in trial.partition.why(b"nobody")["rules"] if each["segment"] == name]
    return [each["bound"] for each in view["evidence"]]


def test_the_numbers_of_a_rule_are_its_bounds(rules):
    """Numbers and durations, in the largest whole unit; texts and truths are none."""
    assert [(each.place, each.operator, each.value, each.unit) for each in numbers_of(rules, "rule")] == [
        (0, ">=", "49.5", ""),
        (1, ">=", "2", "days"),
        (2, ">", "30", ""),
        (4, "<", "80", ""),
        (5, "<", "70", ""),
        (6, ">=", "18", "years"),
        (7, ">=", "9", ""),
        (8, ">=", "20", "days"),
        (9, "==", "0", ""),
    ]


def test_other_numbers_stand_in_their_place(rules):
    """All else of the rule stays, and so does a rule that has the same leaf."""
    other = with_numbers(
        rules, "rule", {0: "100.00", 1: "1.5", 2: "31", 4: "81", 5: "71.5", 6: "19", 7: "10", 8: "10"}
    )
    day = 86_400_000
    assert bounds(rules, "rule") == [
        "49.5", str(2 * day), "30", "NL", "80", "70", "years(18)", "9", str(20 * day), "0",
    ]  # fmt: skip
    assert bounds(other, "rule") == [
        "100", str(3 * day // 2), "31", "NL", "81", "71.5", "years(19)", "10", str(10 * day), "0",
    ]  # fmt: skip
    assert bounds(other, "other") == bounds(rules, "other") == ["49.5"]
    assert with_numbers(rules, "rule", {}).plan == rules.plan
    back = with_numbers(other, "rule", {0: "49.50", 1: "2", 6: "18"})
    assert [each.value for each in numbers_of(back, "rule")][:2] == ["49.5", "2"]


@pytest.mark.parametrize("given", ["", "four", "-1", "nan", "Infinity", "1e99", "1" * 50])
def test_what_is_no_number_is_refused(rules, given):
    """In words that say what was expected."""
    with pytest.raises(NoNumber, match="a number from 0"):
        with_numbers(rules, "rule", {0: given})


RANKED = '''"""A rule by borders."""
from segments.language import Segment, purchase, top

spent = purchase.within(days=30).sum(purchase.amount)
ranked = Segment(when=spent >= top(percent=10), until=spent < top(percent=12.5))
'''
READER = '''"""A rule that reads one by borders."""
from segments.language import Segment, page_view
from segments.ranked import ranked

reader = Segment(when=[ranked, page_view.within(days=30).count() >= 3])
'''


@pytest.fixture
def ranked(tmp_path):
    """A rule by two borders, and one that reads it, as a deployment has them."""
    (tmp_path / "ranked.py").write_text(RANKED)
    (tmp_path / "reader.py").write_text(READER)
    return PlannedRules(load([tmp_path]).data.to_bytes())


def test_the_percentage_of_a_border_is_a_number(ranked):
    """It can be another one, which is another border; that of the way out stays, and what reads the rule reads both."""
    found = numbers_of(ranked, "ranked")
    assert [(each.operator, each.value, each.unit) for each in found] == [
        (">=", "10", "percent"), ("<", "12.5", "percent"),
    ]  # fmt: skip
    other = with_numbers(ranked, "ranked", {0: "20.50"})
    assert [each.percent for each in borders_read(other, "ranked")] == ["20.5", "12.5"]
    assert [each.percent for each in borders_read(other, "reader")] == ["20.5", "12.5"]
    assert borders_read(ranked, "reader") == borders_read(ranked, "ranked")
    same = with_numbers(ranked, "ranked", {0: "12.5"})
    assert [each.percent for each in borders_read(same, "ranked")] == ["12.5"]
    assert [each.value for each in numbers_of(same, "ranked")] == ["12.5", "12.5"]


@pytest.mark.parametrize("given", ["0", "100", "-1", "10.123", "nan", "1e9"])
def test_what_is_no_percentage_is_refused(ranked, given):
    """Over 0 and under 100, with two decimals at most, in words."""
    with pytest.raises(NoPercentage, match="a percentage over 0 and under 100"):
        with_numbers(ranked, "ranked", {0: given})
