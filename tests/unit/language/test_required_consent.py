"""`SEGMENTS_REQUIRED_CONSENT`: every rule needs it, unless it has a lawful basis of its own."""

import pytest

import segments
from segments.insight.about import about
from segments.insight.proving import engine, failures
from segments.language import RuleError, Segment, consent, page_view
from segments.language.nodes.order import require
from segments.language.nodes.text import rule_text
from segments.plan.version import version
from tests.properties.records import START

SEEN = page_view.within(days=1).count() >= 1
GONE = page_view.within(days=3).count() == 0


def rule(name="rule", when=SEEN, **more):
    """A rule that says nothing of consents."""
    return Segment(id=name, when=when, **more)


def test_it_stands_last_beside_when_and_until():
    """As if the author had written it; the version says so, and taking it away gives the rule as written."""
    plain, other = rule(until=GONE), rule(when=[SEEN, page_view.within(days=9).count() >= 2])
    before = version(plain)
    require([plain], "profiling")
    require([other], "profiling")
    assert rule_text(plain.when) == '[page_view.within(days=1).count() >= 1, consent("profiling")]'
    assert rule_text(plain.until) == (
        'any_of(page_view.within(days=3).count() == 0, not_(consent("profiling")))'
    )
    assert rule_text(other.when).endswith('count() >= 2, consent("profiling")]')
    assert version(plain) != before
    assert version(rule(when=[SEEN, consent("profiling")], until=plain.until)) == version(plain)
    require([plain], "")
    assert version(plain) == before


def test_a_lawful_basis_is_exempt_and_told():
    """What such a rule reads is not exempt for it."""
    read = rule("read")
    exempt = rule(when=[read], lawful_basis="contract")
    require([exempt], "profiling")
    assert rule_text(exempt.when) == "read"
    assert (about(exempt)["lawful_basis"], about(exempt)["required_consent"]) == ("contract", "")
    assert about(read)["required_consent"] == "profiling"
    with pytest.raises(RuleError, match="lawful_basis"):
        rule(lawful_basis=True)


@pytest.mark.parametrize(
    "examples",
    [
        """
        0d   page_view   enters
        1d   leaves
        """,
        """
        0d   page_view   enters
        1h   profile consent.profiling=false   leaves
        2h   profile country=NL                enters
        1d   leaves
        """,
        """
        0d   profile consent.profiling=false
        1h   page_view
        """,
    ],
)
def test_stories_have_it_given_unless_a_line_takes_it(examples):
    """The stories of before hold; one that takes the consent proves that the rule is left."""
    subject = rule(examples=examples)
    require([subject], "profiling")
    assert failures(subject, engine) == []
    assert subject.required == "profiling"


def test_a_replay_needs_it():
    """By file and by Python API alike: the flip has the reason of the consent."""
    seen = {
        "topic": "clickstream",
        "event_id": "1",
        "customer_id": "ann",
        "kind": "page_view",
        "occurred_at": START,
    }
    given = {
        "topic": "profiles",
        "event_id": "2",
        "customer_id": "ann",
        "occurred_at": START + 1,
        "consents": {"profiling": True},
    }
    assert [each["reason"] for each in segments.replay([seen, given], rule())] == ["event"]
    flips = segments.replay([seen, given], rule(), required_consent="profiling")
    assert [(each["reason"], each["evidence"][-1]["value"]) for each in flips] == [("consent", "true")]
    assert segments.replay([seen], rule(), required_consent="profiling") == []
