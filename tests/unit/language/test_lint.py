"""What the linter refuses, and what a colleague would miss."""

from decimal import Decimal
from pathlib import Path

import pytest

from segments.language import (
    Segment,
    any_event,
    any_of,
    cart_add,
    consent,
    days,
    event,
    hours,
    minutes,
    not_,
    page_view,
    product_view,
    profile,
    purchase,
    refund,
    split,
    today,
    visit,
)
from segments.language.catalogue import CLICKSTREAM, SETS, EventSet, Type
from segments.language.checking.lint import TO_BE_WRITTEN, lint, may_be, refuse
from segments.language.errors import RefusedRules, RuleError
from segments.language.loading.load import load, rules_of
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field
from segments.plan.version import version

KNOWN = any_event.within(days=365).count() >= 1
HIGH = Segment(id="high", when=KNOWN)


def blocking(when, until=None):
    """The problems for which the worker would refuse a rule."""
    return [
        finding.problem for finding in lint([Segment(id="rule", when=when, until=until)]) if finding.blocking
    ]


@pytest.mark.parametrize(
    "when",
    [
        visit.within(days=1).count() >= 0,
        visit.within(days=1).count() == 0,
        visit.within(days=1).count() != 1,
        visit.within(days=1).count() < 1,
        visit.within(days=1).count() <= 0,
        visit.within(days=1).count().is_in(0, 2),
        visit.within(days=1).count() > -1,
        purchase.within(days=1).sum(purchase.amount) < Decimal("0.01"),
        purchase.within(days=1).distinct(purchase.channel) == 0,
        not_(visit.within(days=1).count() >= 1),
        not_(visit.within(days=2).idle >= days(1)),
        not_(purchase.within(days=1).mean(purchase.amount) != 3),
        not_(profile("country") == "NL"),
        not_(profile("country") != "NL"),
        not_(consent("marketing")),
        not_(HIGH),
        not_([KNOWN, consent("marketing")]),
        any_of(KNOWN, not_(consent("marketing"))),
        [not_(consent("marketing")), visit.within(days=1).count() == 0],
        not_(visit.by(visit.page).within(days=1).count() == 0),
        split("winter", percent=10),
        not_(split("winter", percent=10)),
        any_of(KNOWN, split("winter", percent=10)),
        [split("winter", percent=10), visit.within(days=1).count() == 0],
    ],
)
def test_a_rule_that_is_true_of_strangers_is_refused(when):
    """A customer of whom nothing is remembered is in no segment."""
    assert may_be(True, Segment(id="rule", when=when).when)
    assert any("nothing is remembered" in problem for problem in blocking(when))


@pytest.mark.parametrize(
    "when",
    [
        KNOWN,
        HIGH,
        consent("marketing"),
        profile("country") != "NL",
        profile("vip") == False,  # noqa: E712 - the language compares so
        visit.by(visit.page).within(days=1).count() == 0,
        purchase.within(days=1).max(purchase.amount) <= 0,
        purchase.within(days=1).last(purchase.channel) != "web",
        visit.within(days=2).idle < days(1),
        visit.within(days=1).count() == "0",
        [KNOWN, purchase.within(days=30).count() == 0],
        [KNOWN, split("winter", percent=10)],
        [KNOWN, not_(split("winter", percent=10))],
        any_of(KNOWN, consent("marketing")),
    ],
)
def test_a_rule_that_is_false_of_strangers_is_not(when):
    """Counts and sums of nothing are 0; anything else has no value, and compares as false."""
    assert not may_be(True, Segment(id="rule", when=when).when)
    assert not blocking(when)


def test_until_must_be_true_of_who_is_forgotten():
    """Else a customer of whom nothing is remembered could never leave."""
    assert blocking(KNOWN, until=purchase.within(days=7).count() >= 1)
    assert blocking(KNOWN, until=visit.within(days=7).idle >= days(3))
    assert not blocking(KNOWN, until=purchase.within(days=7).count() == 0)


def test_with_until_strangers_stay_out_whatever_when_says():
    """Nobody enters while until holds, and of strangers it does."""
    assert not blocking(purchase.within(days=7).count() == 0, until=visit.within(days=7).count() == 0)


@pytest.mark.parametrize("measure", [visit.count(), purchase.sum(purchase.amount), purchase.since(visit).age])
def test_a_measure_without_a_window_is_refused(measure):
    """It would be remembered for ever."""
    bound = days(1) if measure.name == "age" else 1
    assert [problem for problem in blocking(measure >= bound) if "no within" in problem]
    assert [
        problem for problem in blocking([KNOWN, not_(any_of(measure >= bound))]) if "no within" in problem
    ]


@pytest.mark.parametrize("measure", [visit.within(days=30).idle, visit.within(days=30).age])
def test_a_duration_that_its_window_cannot_reach_is_refused(measure):
    """An event at t counts while now < t + window: an age is at most a millisecond less than the window."""
    for out_of_reach in (measure >= days(30), measure < days(30), measure > days(31), measure == days(30)):
        assert [problem for problem in blocking([KNOWN, out_of_reach]) if "out of reach" in problem]
    most = days(29) + hours(23) + minutes(59)
    for reached in (measure >= most, measure > most, measure <= most, measure < most, measure == most):
        assert not blocking([KNOWN, reached])


def test_the_last_millisecond_of_a_window_is_told_apart():
    """`>` needs a millisecond more than `>=`."""
    idle = visit.within(minutes=1).idle
    almost = type(minutes(1))(59_999)
    assert not blocking(idle >= almost)
    assert blocking(idle > almost)
    assert blocking([KNOWN, idle <= almost])


@pytest.mark.parametrize(
    "condition",
    [
        visit.where(page_view.page == "/").within(days=1).count() >= 1,
        visit.since(purchase.where(refund.amount >= 1)).within(days=1).count() >= 1,
        visit.where(not_(any_of(page_view.page == "/"))).within(days=1).count() >= 1,
        Events(EventSet("wishes", (CLICKSTREAM,))).within(days=1).count() >= 1,
        purchase.where(Field(SETS["purchase"], "colour", Type.TEXT) == "red").within(days=1).count() >= 1,
        product_view.same(product_view.page).within(days=1).count() >= 1,
        visit.since(purchase.items.same(purchase.items.product_id)).within(days=1).count() >= 1,
        product_view.by(product_view.page)
        .since(purchase.items.same(purchase.items.quantity))
        .within(days=1)
        .count()
        >= 1,
    ],
)
def test_what_nobody_knows_is_refused(condition):
    """Fields of other events, unknown kinds and fields, and `same` without its `by`."""
    assert blocking(condition)


@pytest.mark.parametrize(
    "condition",
    [
        purchase.where(purchase.channel == 3).within(days=1).count() >= 1,
        purchase.where(purchase.amount == "3").within(days=1).count() >= 1,
        purchase.where(purchase.channel.is_in()).within(days=1).count() >= 1,
        purchase.within(days=1).last(purchase.channel).is_in(),
        profile("country").is_in(),
        today.weekday.is_in([]),
        purchase.within(days=1).last(purchase.channel) == 3,
        purchase.within(days=1).count() == "3",
        visit.by(visit.page).within(days=1).count() < 1,
        visit.within(days=1).count() < 0,
        event("cart_adds").within(days=1).count() >= 1,
    ],
)
def test_what_can_never_be_true_is_said(condition):
    """It runs, since SEMANTICS.md says what it means, but nobody writes it on purpose."""
    said = lint([Segment(id="rule", when=[KNOWN, condition])])
    problems = [each for each in said if "never true" in each.problem or "much like" in each.problem]
    assert len(problems) == 1
    assert not problems[0].blocking


@pytest.mark.parametrize("deep", ["not_(" * 3_000 + "{}" + ")" * 3_000, "[" * 3_000 + "{}" + "]" * 3_000])
def test_a_rule_nested_without_end_is_refused(tmp_path, deep):
    """Python's own parser gives up, at another depth in each version: file and line are told all the same."""
    file = tmp_path / "rule.py"
    condition = deep.format("visit.within(days=1).count() >= 1")
    file.write_text(f"from segments.language import *\nrule = Segment(when={condition})\n")
    with pytest.raises(RuleError) as refused:
        load([file])
    assert str(refused.value).startswith(f"{file}:")
    assert len(str(refused.value)) < 1_000


def test_segments_that_read_one_another_without_end_are_refused():
    """A chain of 3,000 is as deep as conditions of that depth; two that read one are looked at once, not twice."""
    rules = [Segment(id="first", when=KNOWN)]
    for number in range(3_000):
        rules.append(Segment(id=f"next_{number}", when=rules[-1]))
    with pytest.raises(RuleError, match="more than 50 levels deep"):
        rules_of(rules)
    wide = [Segment(id="first", when=KNOWN), Segment(id="second", when=HIGH)]
    for number in range(40):
        wide += [Segment(id=f"{side}{number}", when=[*wide[-2:]]) for side in "ab"]
    assert len(version(wide[-1])) == 12


@pytest.mark.parametrize(
    "condition",
    [
        [visit.within(days=1).count() >= 3, visit.within(days=2).count() < 3],
        [visit.by(visit.page).within(days=1).count() >= 3, visit.by(visit.page).within(days=1).count() < 2],
        [
            purchase.within(days=1).mean(purchase.amount) > 5,
            purchase.within(days=1).mean(purchase.amount) < 6,
        ],
        [visit.within(days=1).count() >= 3, visit.within(days=1).count() <= 3],
        [profile("country").is_in("NL", "BE"), profile("country") != "NL"],
        [KNOWN, profile("score") >= 5, profile("score") < Decimal("5.01")],
        any_of(profile("country") == "NL", profile("country") == "BE"),
        [consent("marketing"), not_(consent("profiling"))],
    ],
)
def test_what_may_hold_together_is_no_contradiction(condition):
    """Other windows, other values of `by`, numbers between: only what is sure is said."""
    said = lint([Segment(id="rule", when=condition)])
    assert not [each for each in said if "never true together" in each.problem]


@pytest.mark.parametrize("bound", ["2026-11-24", "2026-11", "2026-11-24T10:00:00Z"])
def test_dates_as_texts_are_compared_by_size(bound):
    """In the form of ISO 8601 their order as texts is that in time."""
    when = [
        profile("member_since") < bound,
        page_view.within(days=1).max(page_view.attributes["due"]) >= bound,
    ]
    assert not blocking(when)


def test_the_docstring_of_the_template_is_no_docstring(tmp_path):
    """What `segments new` writes is to be replaced."""
    file = tmp_path / "rule.py"
    file.write_text(
        f'"""Rule.\n\n{TO_BE_WRITTEN}\n"""\nfrom segments.language import *\n'
        'rule = Segment(en="Rule", nl="Regel", when=visit.within(days=1).count() >= 1,\n'
        '    examples="""0d page_view enters\n1d leaves\n---\n0d purchase""")\n'
    )
    assert [each.problem for each in lint(load([file]))] == ["The docstring is still that of the template."]


def test_a_kind_of_the_shop_s_own_is_welcome():
    """`event(...)` takes any kind; only near misses of a known one are asked about."""
    findings = lint([Segment(id="rule", when=event("wishlist_add").within(days=1).count() >= 1)])
    assert not [each for each in findings if "wishlist" in each.problem]


def test_what_a_colleague_would_miss_is_said_and_does_not_block(tmp_path):
    """No docstring, no words, no stories: the rule runs, and the linter says each."""
    file = tmp_path / "rule.py"
    file.write_text(
        "from segments.language import *\nrule = Segment(when=visit.within(days=1).count() >= 1)\n"
    )
    findings = lint(load([file]))
    assert [each.problem for each in findings] == [
        "The file has no docstring.",
        "No story enters.",
        "No story is a near miss.",
        "No story leaves.",
        "en is missing.",
        "nl is missing.",
    ]
    assert not any(each.blocking for each in findings)
    refuse(load([file]))


@pytest.mark.parametrize(
    ("examples", "missing"),
    [
        ("0d page_view enters\n1d leaves\n---\n0d purchase", []),
        ("0d page_view enters\n1d leaves\n---\n5d", ["No story is a near miss."]),
        ("0d page_view enters\n---\n0d purchase", ["No story leaves."]),
        ("0d page_view\n1d leaves", ["No story enters."]),
    ],
)
def test_a_rule_needs_a_story_of_each_sort(tmp_path, examples, missing):
    """One that enters, one that leaves, and one in which something happens and nobody enters."""
    file = tmp_path / "rule.py"
    file.write_text(
        '"""Rule."""\nfrom segments.language import *\n'
        'rule = Segment(en="Rule", nl="Regel", when=visit.within(days=1).count() >= 1,\n'
        f'    examples="""{examples}""")\n'
    )
    assert [each.problem for each in lint(load([file]))] == missing


def test_a_story_that_cannot_be_read_is_said_with_its_line(tmp_path):
    """It does not stop a worker: stories are proof, not the rule."""
    file = tmp_path / "rule.py"
    file.write_text(
        '"""Rule."""\nfrom segments.language import *\nrule = Segment(en="Rule", nl="Regel",\n'
        "    when=visit.within(days=1).count() >= 1,\n"
        '    examples="""\n    0d page_view\n    1d pageview\n    """)\n'
    )
    findings = lint(load([file]))
    assert [(each.line, each.blocking) for each in findings] == [(7, False)]
    assert "Did you mean page_view?" in findings[0].mend


def test_findings_name_the_line_of_what_is_wrong(tmp_path):
    """Not the line of the rule, but that of the comparison."""
    file = tmp_path / "rule.py"
    file.write_text(
        "from segments.language import *\nrule = Segment(when=[\n  consent('x'),\n  visit.count() >= 1,\n])\n"
    )
    found = [each for each in lint(load([file])) if each.blocking]
    assert [(Path(each.file), each.line) for each in found] == [(file, 4)]


def test_refuse_names_everything_at_once():
    """The worker stops with all that is wrong, each with file and line; with nothing wrong it goes on."""
    refuse([HIGH])
    with pytest.raises(RuleError, match="no within") as one:
        refuse([Segment(id="one", when=visit.count() >= 1)])
    assert one.value.origin.file == __file__
    wrong = [Segment(id="one", when=visit.count() >= 1), Segment(id="two", when=cart_add.count() >= 1)]
    with pytest.raises(RefusedRules) as several:
        refuse(wrong)
    assert len(str(several.value).splitlines()) == 2


def test_findings_come_in_a_stable_order():
    """By rule and line, whatever the order of the segments."""
    rules = [Segment(id=name, when=visit.count() >= 1) for name in ("b", "a", "c")]
    assert lint(rules) == lint(reversed(rules)) == sorted(lint(rules))
