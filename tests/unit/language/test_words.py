"""A rule in a sentence: complete, in both languages, for everything that the language can say."""

import ast
import re
from decimal import Decimal
from functools import cache
from itertools import product
from pathlib import Path
from string import Formatter

import pytest

from segments import language
from segments.insight.remembered import remembered, retention
from segments.language import (
    Segment,
    any_event,
    any_of,
    consent,
    days,
    email_open,
    hours,
    minutes,
    not_,
    profile,
    purchase,
    refund,
    today,
    visit,
)
from segments.language.catalogue import SETS, Type, fields_of, of_own_kind
from segments.language.loading.load import load
from segments.language.measures import MEASURES, Argument
from segments.language.nodes.events import Events
from segments.language.nodes.fields import OPERATORS
from segments.language.nodes.measures import Measure
from segments.language.nodes.text import rule_text
from segments.language.words import phrases
from segments.language.words.dutch import DUTCH
from segments.language.words.english import ENGLISH
from segments.language.words.rule import words
from segments.language.words.timers import timers
from segments.plan.version import version
from streams.cli.trial_text import CHANGES, VERDICTS

HIGH = Segment(id="high_value", when=any_event.within(days=365).count() >= 1)
SHIPPED = Path(language.__file__).parent.parent


def snapshots():
    """Conditions, with what is said of them in English and in Dutch."""
    text = Path(__file__).with_name("rules_in_words.txt").read_text(encoding="utf-8")
    return [tuple(map(str.strip, block.splitlines())) for block in text.strip().split("\n\n")]


@pytest.mark.parametrize(("when", "english", "dutch"), snapshots())
def test_a_rule_is_a_sentence_in_both_languages(when, english, dutch):
    """The number, the article and the place of the verb are right, and money has its currency."""
    segment = Segment(id="rule", when=eval(when, vars(language) | {"HIGH": HIGH}))
    assert words(segment, "en") == f"A customer is in this segment while {english}."
    assert words(segment, "nl") == f"Een klant zit in dit segment zolang {dutch}."


def test_hysteresis_tells_both_ways():
    """With until, how one enters is another thing than how one leaves."""
    orders = purchase.within(days=90).count()
    segment = Segment(id="rule", when=orders >= 3, until=orders <= 1)
    assert words(segment, "en") == (
        "A customer enters this segment once there are at least 3 purchases in the past 90 days, "
        "and leaves it once there is at most 1 purchase in the past 90 days."
    )
    assert words(segment, "nl") == (
        "Een klant komt in dit segment zodra die in de afgelopen 90 dagen minstens 3 aankopen heeft gedaan, "
        "en verlaat het zodra die in de afgelopen 90 dagen hoogstens 1 aankoop heeft gedaan."
    )


def test_money_is_said_in_the_currency_of_the_shop():
    """SEGMENTS_CURRENCY is what money means."""
    segment = Segment(id="rule", when=purchase.within(days=1).sum(purchase.amount) >= 50)
    assert "at least GBP 50.00" in words(segment, "en", "GBP")


def test_dutch_writes_numbers_and_money_as_the_dutch_do():
    """A point between thousands, a comma before the cents, the sign of the euro; other currencies keep their code."""
    spent = Segment(id="rule", when=purchase.within(days=36_500).sum(purchase.amount) >= Decimal("1000.50"))
    assert "in de afgelopen 36.500 dagen voor minstens € 1.000,50 heeft gekocht" in words(spent, "nl")
    assert "minstens CHF 1.000,50" in words(spent, "nl", "CHF")
    often = Segment(id="rule", when=visit.within(days=7).count() >= 36_500)
    assert "minstens 36.500 keer op bezoek is geweest" in words(often, "nl")


def test_a_segment_is_called_by_its_title():
    """A reader of a sentence need not know ids; one without a title keeps its id."""
    titled = Segment(id="high_value", en="Spends much", nl="Koopt veel", when=HIGH.when)
    reader = Segment(id="rule", when=[titled, not_(HIGH)])
    assert "they are in the segment “Spends much”, and they are not in the segment high_value" in words(
        reader, "en"
    )
    assert "die in het segment “Koopt veel” zit, en niet in het segment high_value zit" in words(reader, "nl")


@cache
def every_comparison():
    """Each measure of each event set, with each field it may have, and each operator."""
    return list(_every_comparison())


def _every_comparison():
    sets = [*SETS.values(), of_own_kind("own")]
    for events_of, operator in product(sets, OPERATORS):
        events = Events(events_of).within(days=7)
        fields = [getattr(events, field) for field in fields_of(events_of)]
        arguments = {
            Argument.NONE: [None],
            Argument.NUMBER: [field for field in fields if field.type is not Type.TEXT],
            Argument.ANY: fields,
        }
        for measure in (
            Measure(events, kind, field) for kind in MEASURES.values() for field in arguments[kind.argument]
        ):
            bound = days(2) if measure.kind.duration else "x" if measure.type is Type.TEXT else 2
            if operator != "is_in":
                yield measure._compare(operator, bound)
            elif not measure.kind.duration:
                yield measure.is_in(bound, bound)


@pytest.mark.parametrize("code", ["en", "nl"])
def test_nothing_in_the_language_is_without_words(code):
    """Every measure, event set, field and operator gives a sentence, in which no word is missing or empty."""
    count = 0
    for comparison in every_comparison():
        sentence = words(Segment(id="rule", when=[comparison, not_(comparison)]), code)
        assert re.fullmatch(r"(A customer|Een klant) .*[^ ]\.", sentence), sentence
        assert not re.search(r"  |\bNone\b|[{}]|\w_\w| ,", sentence), sentence
        count += 1
    assert count > 2_000


def test_both_languages_have_the_same_words():
    """What one language can say, the other can."""
    assert ENGLISH.words.keys() == DUTCH.words.keys()
    assert ENGLISH.events.keys() == DUTCH.events.keys()
    assert ENGLISH.fields.keys() == DUTCH.fields.keys()
    assert ENGLISH.units.keys() == DUTCH.units.keys()
    assert {field for events in SETS.values() for field in fields_of(events)} <= ENGLISH.fields.keys()


@pytest.mark.parametrize(
    ("when", "english", "dutch"),
    [
        (
            visit.within(days=7).count() >= 3,
            ["the earliest of the latest 3 visits is 7 days"],
            ["het oudste van de 3 laatste bezoeken 7 dagen"],
        ),
        (visit.within(days=7).count() < 1, ["the latest visit is 7 days"], ["het laatste bezoek 7 dagen"]),
        (
            visit.within(days=7).count() > 21,
            ["the earliest of the latest 22 visits is 7 days"],
            ["het oudste van de 22 laatste bezoeken"],
        ),
        (
            any_event.within(days=730).idle >= days(90),
            ["the latest event is 90 days", "the latest event is 730 days"],
            ["de laatste gebeurtenis 90 dagen", "de laatste gebeurtenis 730 dagen"],
        ),
        (
            purchase.within(days=365).sum(purchase.amount) >= 500,
            ["one of the purchases is 365 days"],
            ["een van de aankopen 365 dagen"],
        ),
        (
            purchase.within(days=30).ago(days=60).count() >= 2,
            ["one of the purchases is 60 days", "one of the purchases is 90 days"],
            ["een van de aankopen 60 dagen", "een van de aankopen 90 dagen"],
        ),
        (
            email_open.within(days=30).count() < 2,
            ["the earliest of the latest 2 opened mails is 30 days"],
            ["de oudste van de 2 laatst geopende mails 30 dagen"],
        ),
        (today.month == 12, ["when a new month begins"], ["zodra een nieuwe maand begint"]),
        (
            profile("birthday").date.anniversary <= days(7),
            ["as the anniversary of the date “birthday” in the profile comes closer"],
            ["als de dag “birthday” uit het profiel (die elk jaar terugkomt) dichterbij komt"],
        ),
        (HIGH, ["the segment high_value does"], ["in het segment high_value komt of eruit gaat"]),
        (consent("marketing"), [], []),
    ],
)
def test_flips_by_time_in_words(when, english, dutch):
    """A rule tells at which age of which event time can change it; what time never changes tells nothing."""
    segment = Segment(id="rule", when=when)
    for code, expected in (("en", english), ("nl", dutch)):
        said = timers(segment, code)
        assert len(said) == len(expected)
        assert all(part in sentence for part, sentence in zip(expected, said, strict=True)), said


def test_what_is_remembered_is_told_with_its_retention():
    """Who runs the system, and who is asked by a customer, sees what is kept and for how long."""
    when = [visit.since(purchase).within(days=7).count() >= 3, consent("marketing"), HIGH]
    segment = Segment(id="rule", when=when)
    said = remembered(segment)
    assert any(line.startswith("visit: the time of each, for 7 days and 30 minutes") for line in said)
    assert any(line.startswith("purchase: the time of the latest") for line in said)
    assert "the profile: until the customer is erased" in said
    assert "the membership of high_value" in said
    assert retention(segment) == "7 days and 30 minutes"


@pytest.mark.parametrize("segment", load([SHIPPED]), ids=lambda segment: segment.id)
def test_shipped_rules_have_words(segment):
    """Each rule of the repository can be read in both languages."""
    first = {"en": "A customer ", "nl": "Een klant "}
    if segment.for_each is not None:
        first = {"en": "For each category apart: a customer ", "nl": "Voor elke categorie apart: een klant "}
    if segment.stages:
        first = {"en": "The stage of a customer ", "nl": "De fase van een klant "}
    for told, begins in first.items():
        assert words(segment, told).startswith(begins), words(segment, told)


@pytest.mark.parametrize(
    "condition",
    [
        [visit.within(days=7).count() >= 3, not_(consent("marketing"))],
        any_of(
            visit.within(days=7).idle >= hours(1) + minutes(30),
            [profile("country").is_in("NL", "BE"), profile("age") > 30.5],
        ),
        purchase.where(purchase.channel.is_in("web"), not_(purchase.amount < 49.99))
        .since(refund)
        .within(days=30)
        .ago(days=1, hours=12)
        .sum(purchase.amount)
        >= 100,
    ],
)
def test_what_is_shown_can_be_pasted_into_a_rule(condition):
    """The text makes the same condition again: no word that the language does not have."""
    shown = rule_text(Segment(id="rule", when=condition).when)
    again = eval(shown, {name: getattr(language, name) for name in language.__all__})
    assert rule_text(Segment(id="again", when=again).when) == shown
    assert version(Segment(id="rule", when=again)) == version(Segment(id="rule", when=condition))


def said_phrases():
    """The English of every phrase that code says: the first argument of each `say(...)`."""
    for folder in ("segments", "streams"):
        texts = [file.read_text(encoding="utf-8") for file in (SHIPPED.parent / folder).rglob("*.py")]
        for text in texts:
            for node in ast.walk(ast.parse(text)) if re.search(r"\bsay\(", text) else ():
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                    yield from (each.value for each in node.args[:1] if isinstance(each, ast.Constant))


def test_every_phrase_has_its_dutch():
    """A phrase without Dutch would end the command; one that nobody says any more is dead, but for headings and verdicts."""
    said = set(said_phrases())
    assert len(said) > 30
    assert said - phrases.DUTCH.keys() == set()
    headings = {
        "purpose",
        "title",
        "in words",
        "when",
        "until",
        "for each",
        "stages",
        "lawful basis",
        "required consent",
        "for at least",
        "at most every",
        "details",
        "goal",
        "goal in words",
        "state",
        "flips by time",
        "retention",
        "stories",
    }
    others = {"known since", "warming until", *CHANGES.values(), *VERDICTS.values()}
    assert phrases.DUTCH.keys() - said == headings - said | others - said


@pytest.mark.parametrize(("english", "dutch"), phrases.DUTCH.items())
def test_a_phrase_keeps_its_values(english, dutch):
    """Both languages have the same placeholders."""
    placeholders = [
        sorted(name for _, name, _, _ in Formatter().parse(each) if name) for each in (english, dutch)
    ]
    assert placeholders[0] == placeholders[1]
