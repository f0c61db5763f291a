"""The plan as data: what the lowering writes, and that it is read back as it was."""

from decimal import Decimal
from random import Random

import pytest

from segments.engine import RuleSet, load
from segments.language import Segment, page_view, profile, purchase
from segments.language.catalogue import sources_among
from segments.language.measures import MEASURES
from segments.language.nodes.conditions import Consent, HasValue, ProfileComparison
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.order import reads
from segments.plan import ir
from segments.plan.ir import PlanFormatError, from_bytes
from segments.plan.lowering import lower
from segments.plan.version import digest, version
from tests.golden.cases import EVERY_CONDITION, FOLDER, ROOT, SHIPPED, VERSIONS
from tests.properties.rules import rule_set


def test_the_versions_of_the_shipped_rules_are_as_released():
    """The plan carries the versions that committed states were written with; a rule that was added is not among them."""
    plan = lower(SHIPPED)
    edited = (
        "a rule was edited: write its new version into tests/golden/cases.py, then run python -m tests.golden"
    )
    assert {rule.id: rule.version for rule in plan.rules} == VERSIONS, edited
    assert plan.digest == "75cec05b67322218"


CASES = {"shipped": SHIPPED, "every_condition": EVERY_CONDITION}


@pytest.mark.parametrize("case", CASES)
def test_a_plan_is_read_back_as_it_was_written(case):
    """Bytes and plan stand for each other, and the golden file is what the lowering writes."""
    golden = (FOLDER / case / "plan.json").read_bytes()
    sources = sources_among(topic.name for topic in from_bytes(golden).topics)
    plan = lower(CASES[case], sources=sources)
    data = plan.to_bytes()
    assert from_bytes(data) == plan
    assert from_bytes(data).hash == plan.hash
    assert golden == data


def test_rules_loaded_twice_are_one_plan():
    """Nothing of a plan depends on which objects the rules are made of."""
    first, second = (load([ROOT / "segments"]).segments for _ in range(2))
    assert lower(first) == lower(second)
    assert lower(SHIPPED, "USD").hash != lower(SHIPPED).hash


def test_whatever_an_author_can_write_has_a_plan():
    """Random rules over all event sets, filters, measures and combinators are lowered, and read back."""
    random = Random(18)
    measures, asked, filters = set(), set(), 0
    for _ in range(200):
        segments = rule_set(random.choice)
        plan = lower(segments)
        assert from_bytes(plan.to_bytes()) == plan
        agrees_with(plan, RuleSet(segments))
        asked |= {type(leaf.asked) for leaf in plan.leaves}
        measured = [leaf.asked for leaf in plan.leaves if isinstance(leaf.asked, ir.Measured)]
        measures |= {each.measure for each in measured}
        filters += sum(stream.filter is not None for stream in plan.streams)
    assert measures == MEASURES.keys()
    assert asked >= {ir.Measured, ir.OfProfile, ir.OfConsent, ir.Inside}
    assert filters


def agrees_with(plan, rules):
    """The plan says what the rules say, each looked at by itself."""
    assert tuple(rule.id for rule in plan.rules) == rules.ids
    assert tuple(rule.version for rule in plan.rules) == rules.versions
    assert tuple(rule.version for rule in plan.rules) == tuple(map(version, rules.segments))
    assert tuple(stream.identity for stream in plan.streams) == tuple(
        stream.identity for stream in rules.plan.streams
    )
    assert (plan.measures, plan.retention, plan.digest) == (
        rules.plan.measures,
        rules.plan.retention,
        rules.digest,
    )
    assert plan.digest == digest(rules.segments)
    assert {place: rule.rank for place, rule in enumerate(plan.rules)} == rules.rank
    for rule, segment, leaves in zip(plan.rules, rules.segments, rules.leaves, strict=True):
        assert {plan.rules[each].id for each in rule.reads} == closed(segment)
        assert [plan.rules[each].id for each in rule.readers] == [
            other.id for other in rules.segments if segment in reads(other)
        ]
        assert set(rule.consents) == {leaf.name for leaf in leaves if isinstance(leaf, Consent)}
        of_profile = (ProfileComparison, HasValue, DateComparison, Consent)
        assert rule.profile is any(isinstance(leaf, of_profile) for leaf in leaves)
    for number, stream in enumerate(plan.streams):
        assert stream.readers == tuple(
            place for place, rule in enumerate(plan.rules) if number in streams_read(plan, rule)
        )


def closed(segment):
    """The ids of the segments that one reads, directly or through others."""
    direct = reads(segment)
    return {other.id for other in direct}.union(*map(closed, direct))


def streams_read(plan, rule):
    """The numbers of the streams that the leaves of a rule read."""
    measured = (each for leaf in rule.leaves for each in ir.measured_in(plan.leaves[leaf].asked))
    return {
        number
        for each in measured
        for number in (each.stream, each.reset, *(after.stream for after in each.after))
    }


def asked(condition):
    """What the only leaf of a rule asks."""
    (leaf,) = lower([Segment(id="one", when=condition)]).leaves
    return leaf.asked


def test_bounds_are_exact():
    """Money is in cents, and what is no whole number is a fraction in lowest terms."""
    spent = purchase.within(days=1).sum(purchase.amount)
    assert asked(spent >= Decimal("49.99")).comparison == ir.Comparison(">=", (), ("4999",))
    assert asked(spent > Decimal("0.125")).comparison.numbers == ("25/2",)
    assert asked(page_view.within(days=1).count() >= Decimal("2.50")).comparison.numbers == ("5/2",)
    assert asked(page_view.within(days=1).count() >= 10**30).comparison.numbers == (str(10**30),)


def test_a_bound_of_an_unlike_type_is_never_met():
    """It is left out: a comparison without bounds is false, `!=` too."""
    name = page_view.within(days=1).max(page_view.page)
    assert asked(name != 3).comparison == ir.Comparison("!=", (), ())
    assert asked(name.is_in("/", 3)).comparison == ir.Comparison("in", ("/",), ())
    assert asked(page_view.within(days=1).count() == True).comparison.numbers == ()  # noqa: E712


def test_numbers_of_a_profile_say_on_which_side_of_a_double_they_lie():
    """A profile holds doubles; a whole number beyond 2^53 need not be one."""
    assert asked(profile("points") > 2**53 + 1).bounds == (ir.NumberBound(2.0**53, 1),)
    assert asked(profile("points") > 2**53 + 3).bounds == (ir.NumberBound(2.0**53 + 4, -1),)
    assert asked(profile("points") > Decimal("0.1")).bounds == (ir.NumberBound(0.1, 0),)
    assert asked(profile("points") > 0.1).bounds == (ir.NumberBound(0.1, 0),)
    assert asked(profile("points") > Decimal("0.1000000000000000055")).bounds == (ir.NumberBound(0.1, 1),)
    assert asked(profile("points") < -(10**400)).bounds[0].rest == -1


def test_another_format_is_refused():
    """A plan of another format, or of none, is not read as if it were of this one."""
    data = lower(SHIPPED).to_bytes()
    with pytest.raises(PlanFormatError, match="format 2, this version reads 1"):
        from_bytes(data.replace(b'"format":1', b'"format":2', 1))
    with pytest.raises(PlanFormatError, match="no plan"):
        from_bytes(data[:-1])
    with pytest.raises(PlanFormatError, match="no plan"):
        from_bytes(data.replace(b'"currency":', b'"currencies":', 1))


def test_the_currency_is_part_of_what_a_rule_of_money_means():
    """In another one it is another rule, and so is one that reads it; in euros, and without money, none is."""
    spent = purchase.within(days=1).sum(purchase.amount)
    spender = Segment(id="spender", when=spent >= 100)
    rules = {
        "sum": spender,
        "filter": Segment(id="f", when=purchase.where(purchase.amount > 5).within(days=1).count() >= 1),
        "since": Segment(
            id="s", when=page_view.since(purchase.where(purchase.amount > 5)).within(days=1).count() >= 1
        ),
        "reader": Segment(id="r", when=[spender, page_view.within(days=1).count() >= 1]),
        "calculated": Segment(id="c", when=spent > 2 * spent),
    }
    for name, rule in rules.items():
        assert len({version(rule), version(rule, "USD"), version(rule, "GBP")}) == 3, name
        assert version(rule) == version(rule, "EUR")
        assert digest([rule]) != digest([rule], "USD")
        if name != "calculated":
            assert version(rule, "USD") in {each.version for each in lower([rule], "USD").rules}
    counted = Segment(id="n", when=purchase.where(purchase.currency == "USD").within(days=1).count() >= 1)
    assert version(counted) == version(counted, "USD")
