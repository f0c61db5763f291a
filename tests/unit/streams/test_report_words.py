"""What a report says: in two languages, without small numbers, without more than the numbers bear."""

import re
from pathlib import Path

import pytest

import streams.report
from segments.insight.outcomes.arms import Outcome
from segments.insight.outcomes.figures import figures
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.stays import Flip
from segments.insight.outcomes.sums import Sums
from streams.report.texts import DUTCH
from streams.report.words import REASONS
from tests.kit.reports import DAY, GOAL, found, text_of


def said():
    """The texts that the room says: each literal that begins a phrase and has a translation, or should have one."""
    text = "".join(each.read_text() for each in Path(streams.report.__file__).parent.glob("*.py"))
    return set(re.findall(r'say\(\s*"([^"]+)"\s*[,)]', text))


def test_all_that_is_said_is_there_in_dutch():
    """A phrase without a translation would end the report in an error."""
    assert said() - DUTCH.keys() == set()
    assert set(REASONS.values()) <= DUTCH.keys()


def test_no_placeholder_is_lost_in_translation():
    """Each text has the same placeholders in both languages."""
    for english, dutch in DUTCH.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(re.findall(r"{\w+}", dutch)), english


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_report_with_everything_in_it(language):
    """Goal, arms, cost and inputs, in both languages; every phrase has its values."""
    told = text_of(found((100, 500), (1_350, 4_500), cost=1_000, inputs=True, value="x"), language)
    assert "{" not in told
    words = {"en": "caused by acting on the segment", "nl": "veroorzaakt door iets te doen met het segment"}
    assert words[language] in told
    assert ("30.0 %" if language == "en" else "30,0 %") in told
    assert "control-1" not in told


def test_without_an_effect_no_effect_is_denied():
    """An interval around zero shows no difference; it does not show that there is none."""
    told = text_of(found((50, 500), (455, 4_500)))
    assert "no difference shown" in told
    assert "no effect" not in told
    assert "caused by" not in told.replace("What acting on it caused", "")


def test_without_arms_nothing_is_caused():
    """Numbers without a control group are associated with the segment."""
    sums = Sums(Period(100 * DAY, now=100 * DAY))
    sums.part(100 * DAY)
    for number in range(50):
        outcome = Outcome(
            "carts", None, str(number), 0, 1, True, "event", None, None, GOAL, 5, 7 * DAY, 1, 100
        )
        sums.take(str(number), [Flip("carts", None, 0, True, "event", 1, None)], (), [outcome])
    told = text_of(figures(sums, "carts", cost=10))
    assert "associated with the segment" in told
    assert "only a control group tells what the cost brought" in told
    assert "caused by acting" not in told


def test_fewer_than_ten_customers_are_no_number():
    """Neither the count of nine nor a share that would tell it; of ten both."""
    few, enough = found((9, 1_000), (900, 9_000)), found((10, 1_000), (900, 9_000))
    control = few["experiment"]["arms"][0]
    assert (control["converted"], control["conversion"], control["interval"]) == ("< 10", "< 10", None)
    assert few["experiment"]["conversion"]["difference"] == "< 10"
    assert few["experiment"]["conversion"]["verdict"] == "more"
    assert "0.9 %" not in text_of(few)
    assert enough["experiment"]["arms"][0]["converted"] == 10
    assert enough["experiment"]["conversion"]["difference"] == pytest.approx(0.09)


def test_what_is_missing_is_told_without_telling_small_numbers():
    """How many customers an arm needs for five expected; where fewer than ten are among the numbers only a bound."""
    told = found((10, 100), (30, 900))["experiment"]["conversion"]
    assert told["verdict"] == "no verdict yet"
    assert (told["missing"], told["missing_at_least"]) == ({"control": 5 * 1_000 // 40 - 100}, False)
    few = found((1, 100), (6, 900))["experiment"]["conversion"]
    assert (few["missing"], few["missing_at_least"]) == ({"control": 5 * 1_000 // 10 - 101}, True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (((2, 100), (30, 900)), ((5, 100), (30, 900))),
        (((0, 4), (30, 9_000)), ((3, 9), (30, 9_000))),
        (((1, 3), (2, 9)), ((0, 9), (8, 8))),
    ],
    ids=["converted", "matured", "both arms"],
)
def test_what_is_missing_does_not_depend_on_small_numbers(one, other):
    """Whoever knows the other numbers of a report could compute a small one from what is missing."""
    told = [found(*arms)["experiment"]["conversion"] for arms in (one, other)]
    assert told[0]["missing"] == told[1]["missing"]
    assert all(each["missing_at_least"] for each in told)


def test_of_revenue_so_many_buyers_are_missing():
    """In each arm up to a hundred; of fewer than ten only a bound."""
    revenue = found((40, 400), (400, 3_600))["experiment"]["revenue"]
    assert (revenue["verdict"], revenue["missing"]) == ("no verdict yet", {"control": 60})
    assert found((7, 400), (400, 3_600))["experiment"]["revenue"]["missing"] == {"control": 90}


def test_arms_that_are_not_as_drawn_have_no_verdict():
    """χ² is of customers, those included whose outcome has not matured; percentages of conversion still show."""
    as_drawn = found((100, 1_000), (2_700, 9_000))["experiment"]
    assert not as_drawn["mismatch"]["blocks"]
    assert as_drawn["conversion"]["verdict"] == "more"
    blocked = found((100, 1_000), (2_700, 9_000), drawn={"control": 300})["experiment"]
    assert blocked["mismatch"]["blocks"]
    assert blocked["drawn"]["control"] == 1_300
    assert blocked["conversion"]["verdict"].startswith("no verdict:")
    assert blocked["conversion"]["interval"] is not None


def test_the_return_on_a_cost_needs_a_verdict_on_revenue():
    """(difference × treated − cost) / cost, with the interval of the difference."""
    experiment = found((120, 1_000), (2_700, 9_000), cost=5_000)["experiment"]
    difference = experiment["revenue"]["difference"]
    assert difference == pytest.approx(3 - 1.2)
    assert experiment["roi"]["roi"] == pytest.approx((difference * 9_000 - 5_000) / 5_000)
    assert found((20, 1_000), (2_700, 9_000), cost=5_000)["experiment"]["roi"]["roi"] is None


def test_text_from_outside_is_shown_as_it_is_written():
    """A control character in a goal or an id does not reach the terminal."""
    hostile = "purchase\x1b[2J.within(days=7)"
    assert "\x1b[2J" not in text_of(
        found((100, 1_000), (900, 9_000), goal=hostile), titles={"carts": "\x1b[2J"}
    )
