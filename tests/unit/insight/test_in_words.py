"""Evidence in words: everything that a rule can measure, and nothing that no rule here says."""

from decimal import Decimal

import pytest

from segments.insight.in_words import InWords
from segments.language import (
    Segment,
    Stages,
    any_event,
    consent,
    hours,
    not_,
    product_view,
    profile,
    purchase,
    split,
    today,
    top,
    visit,
    years,
)
from segments.language.nodes.text import bound_text, leaf_text, rule_text

HIGH = Segment(id="high_value", en="Spends much", nl="Koopt veel", when=any_event.within(days=9).count() >= 1)
YEAR = purchase.within(days=365)
COUPON = purchase.where(purchase.attributes["coupon"] == "A").within(days=365)

SAID = [
    (
        visit.since(purchase).within(days=7).count() >= 3,
        "2",
        "the number of visits in the past 7 days and since the latest purchase: 2 (bound: at least 3)",
        "het aantal bezoeken in de afgelopen 7 dagen en sinds de laatste aankoop: 2 (grens: minstens 3)",
    ),
    (
        YEAR.count() == 1,
        "0",
        "the number of purchases in the past 365 days: 0 (bound: exactly 1)",
        "het aantal aankopen in de afgelopen 365 dagen: 0 (grens: precies 1)",
    ),
    (
        YEAR.sum(purchase.amount) >= 1_500,
        "3601.50",
        "the total amount of the purchases in the past 365 days: EUR 3,601.50 (bound: at least EUR 1,500.00)",
        "het totale bedrag van de aankopen in de afgelopen 365 dagen: € 3.601,50 (grens: minstens € 1.500,00)",
    ),
    (
        visit.within(days=7).idle >= hours(1),
        "5400000",
        "the time since the latest visit in the past 7 days: 1h 30m (bound: at least 1 hour)",
        "de tijd sinds het laatste bezoek in de afgelopen 7 dagen: 1h 30m (grens: minstens 1 uur)",
    ),
    (
        COUPON.count() / YEAR.count() >= Decimal("0.5"),
        "0.333333",
        (
            "the number of purchases (whose attribute “coupon” is “A”) as a percentage of the number of purchases, "
            "measured over the past 365 days: 33.3333 % (bound: at least 50 %)"
        ),
        (
            "het aantal aankopen (waarbij het kenmerk “coupon” “A” is), als percentage van het aantal aankopen, "
            "gemeten over de afgelopen 365 dagen: 33,3333 % (grens: minstens 50 %)"
        ),
    ),
    (
        today.weekday == "monday",
        "thursday",
        "the weekday today: Thursday (bound: Monday)",
        "de dag van de week: donderdag (grens: maandag)",
    ),
    (
        today.hour >= 18,
        "9",
        "the hour of the clock: 9 (bound: at least 18)",
        "het uur van de dag: 9 (grens: minstens 18)",
    ),
    (
        profile("birth").date.age >= years(65),
        None,
        "the time since the date “birth” in the profile: nothing (bound: at least 65 years)",
        "de tijd sinds de datum “birth” in het profiel: niets (grens: minstens 65 jaar)",
    ),
    (
        profile("country") == "NL",
        "BE",
        "“country” in the profile: “BE” (bound: “NL”)",
        "“country” in het profiel: “BE” (grens: “NL”)",
    ),
    (
        profile("age") >= 18,
        "17",
        "“age” in the profile: 17 (bound: at least 18)",
        "“age” in het profiel: 17 (grens: minstens 18)",
    ),
    (consent("mail"), None, "consent for “mail”: unknown", "toestemming voor “mail”: onbekend"),
    (
        split("winter", percent=10),
        "false",
        "in the first 10 % of the draw “winter”: no",
        "bij de eerste 10 % van de loting “winter”: nee",
    ),
    (
        profile("interests").has("travel"),
        "true",
        "“travel” among “interests” in the profile: yes",
        "“travel” bij “interests” in het profiel: ja",
    ),
    (HIGH, "true", "in the segment “Spends much”: yes", "in het segment “Koopt veel”: ja"),
]
MOVING = [
    (
        purchase.during("this month").count() > purchase.during("last month").count(),
        "4",
        "the number of purchases this month: 3 (bound: more than the number of purchases last month (4))",
    ),
    (
        YEAR.sum(purchase.amount) >= top(percent=10),
        "1200.00",
        (
            "the total amount of the purchases in the past 365 days: EUR 3.00 (bound: at least the border of the "
            "top 10 % (EUR 1,200.00))"
        ),
    ),
]


def entry(leaf, value, bound=None):
    """An entry of evidence, as `why` tells it."""
    return {
        "measure": leaf_text(leaf),
        "operator": getattr(leaf, "operator", "=="),
        "value": value,
        "bound": bound_text(leaf) if bound is None else bound,
    }


def of(when, language="en"):
    """The words of one rule."""
    return InWords([Segment(id="rule", when=when)], language)


@pytest.mark.parametrize(("leaf", "value", "english", "dutch"), SAID)
def test_evidence_in_both_languages(leaf, value, english, dutch):
    """What was measured, its value and its bound: units, numbers and names as the language writes them."""
    assert of(leaf).line(entry(leaf, value)) == english
    assert of(leaf, "nl").line(entry(leaf, value)) == dutch


@pytest.mark.parametrize(("leaf", "bound", "said"), MOVING)
def test_a_bound_that_is_a_value_itself(leaf, bound, said):
    """Beside what the bound is stands its value."""
    value = "3" if bound == "4" else "3.00"
    assert of(leaf).line(entry(leaf, value, bound)) == said


def test_two_rules_of_one_measure():
    """Each entry has its own bound, though both rules measure the same."""
    first, second = YEAR.count() >= 4, YEAR.count() >= 1
    words = InWords([Segment(id="a", when=first), Segment(id="b", when=second, until=YEAR.count() < 1)], "en")
    assert words.line(entry(first, "2")).endswith("(bound: at least 4)")
    assert words.line(entry(second, "2")).endswith("(bound: at least 1)")


def test_the_value_of_by():
    """The product that decides stands behind the measure, whatever brackets are in its name."""
    leaf = product_view.by(product_view.product_id).within(days=7).count() >= 3
    asked = entry(leaf, "3")
    said = "the number of product views with one and the same product in the past 7 days"
    for product in ("shoe", "a[1]"):
        line = of(leaf).line(asked | {"measure": f"{asked['measure']}[{product}]"})
        assert line == f"{said} ({product}): 3 (bound: at least 3)"


@pytest.mark.parametrize(
    "other",
    [visit.within(days=8).count() >= 3, visit.within(days=7).count() >= 4, visit.within(days=7).count() < 3],
)
def test_what_no_rule_here_says(other):
    """Another measure, operator or bound is not guessed at: the notation is shown."""
    assert of(visit.within(days=7).count() >= 3).line(entry(other, "2")) is None


def test_what_would_change():
    """A condition, and its opposite; in Dutch the customer is named."""
    leaf = visit.within(days=7).count() >= 3
    assert of(leaf).condition(rule_text(leaf)) == "there are at least 3 visits in the past 7 days"
    opposite = rule_text(not_(leaf))
    assert of(leaf).condition(opposite) == "there are fewer than 3 visits in the past 7 days"
    said = "de klant in de afgelopen 7 dagen minder dan 3 keer op bezoek is geweest"
    assert of(leaf, "nl").condition(opposite) == said
    assert of(leaf).condition("visit.within(days=8).count() >= 3") is None


def test_stages():
    """The conditions of stages are told like those of `when`."""
    loyal, customer = YEAR.count() >= 4, YEAR.count() >= 1
    words = InWords([Stages(id="journey", stages={"loyal": loyal, "customer": customer})], "en")
    for leaf, bound in ((loyal, "at least 4"), (customer, "at least 1")):
        assert words.line(entry(leaf, "0")).endswith(f"0 (bound: {bound})")


def test_dates_are_told_as_they_are():
    """A day is no name, and has no quotes."""
    leaf = today.day >= "2026-12-24"
    assert (
        of(leaf).line(entry(leaf, "2026-12-01")) == "the date today: 2026-12-01 (bound: 2026-12-24 or later)"
    )
    latest = YEAR.last(purchase.day) == "2026-12-01"
    said = "the latest day of the purchases in the past 365 days: 2026-11-30 (bound: “2026-12-01”)"
    assert of(latest).line(entry(latest, "2026-11-30")) == said
