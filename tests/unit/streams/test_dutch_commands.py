"""Commands speak Dutch: `--lang nl`, or SEGMENTS_LANGUAGE."""

import json

import pytest

START = 1_767_225_600_000
"""2026-01-01T00:00Z."""
DAY = 86_400_000
RULE = '''"""Een regel."""
from segments.language import Segment, visit

two_visits = Segment(
    en="Two visits in a week", nl="Twee bezoeken in een week", when=visit.within(days=7).count() >= 2
)
'''


@pytest.fixture
def rules(tmp_path):
    """A folder with one rule."""
    (tmp_path / "two_visits.py").write_text(RULE)
    return tmp_path / "two_visits.py"


@pytest.fixture
def log(tmp_path):
    """Anna came twice, bert once."""
    events = [
        {
            "topic": "clickstream",
            "event_id": f"{who}{day}",
            "customer_id": who,
            "kind": "page_view",
            "occurred_at": START + day * DAY,
        }
        for who, day in (("anna", 0), ("bert", 1), ("anna", 2))
    ]
    file = tmp_path / "log.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return str(file)


def test_show(run, rules):
    """The title, the sentence and the headings are Dutch, and nothing of the English title is left."""
    done = run("show", str(rules), "--lang", "nl")
    assert done.returncode == 0, done.stderr
    for said in (
        "titel\n  Twee bezoeken",
        "in woorden\n  Een klant zit in dit segment",
        "bewaartermijn\n  7 dagen en 30",
    ):
        assert said in done.stdout
    assert "Two visits" not in done.stdout


def test_show_in_english_alone(run, rules):
    """One language is one language."""
    done = run("show", str(rules), "--lang", "en")
    assert "title\n  Two visits in a week" in done.stdout
    assert "Twee bezoeken" not in done.stdout


def test_why(run, rules, log):
    """In, since when, the value, and what time does."""
    done = run("why", "anna", "--file", log, "--rules", str(rules), env={"SEGMENTS_LANGUAGE": "nl"})
    assert done.returncode == 0, done.stderr
    assert "anna, per 2026-01-03T" in done.stdout
    assert "in   Twee bezoeken in een week sinds 2026-01-03T" in done.stdout
    assert "✓ het aantal bezoeken in de afgelopen 7 dagen: 2 (grens: minstens 2)" in done.stdout
    assert "vanzelf, door verloop van tijd: eruit op 2026-01-08T" in done.stdout


def test_why_in_notation(run, rules, log):
    """Who knows the notation asks for it."""
    done = run("why", "carl", "--file", log, "--rules", str(rules), "--lang", "nl", "--notation")
    assert "✗ visit.within(days=7).count() is 0, grens >= 2" in done.stdout
    assert "dit zou het veranderen: visit.within(days=7).count() >= 2" in done.stdout


def test_why_of_somebody_unknown(run, rules, log):
    """Nothing is said in two languages at once."""
    done = run("why", "carl", "--file", log, "--rules", str(rules), "--lang", "nl")
    assert "Van deze klant is niets bekend" in done.stdout
    assert "uit  Twee bezoeken in een week" in done.stdout
    assert "✗ het aantal bezoeken in de afgelopen 7 dagen: 0 (grens: minstens 2)" in done.stdout
    assert (
        "het zou veranderen als de klant in de afgelopen 7 dagen minstens 2 keer op bezoek is" in done.stdout
    )


def test_try(run, rules, log):
    """Who is in it, the days, and an example with its evidence."""
    done = run("try", str(rules), "--file", log, "--lang", "nl", env={"SEGMENTS_RULES": str(rules.parent)})
    assert done.returncode == 0, done.stderr
    for said in (
        "Twee bezoeken in een week",
        "1 van 2 bekende klanten",
        "voorbeelden: wie er als laatste in kwam",
        "✓ het aantal bezoeken in de afgelopen 7 dagen: 2 (grens: minstens 2)",
    ):
        assert said in done.stdout
    assert "customers known" not in done.stdout


def test_list(run, rules):
    """The Dutch title alone, and in Dutch what is remembered and what flips it."""
    done = run("list", "--rules", str(rules), "--lang", "nl")
    assert done.returncode == 0, done.stderr
    assert "  nl  Twee bezoeken in een week\n" in done.stdout
    assert "onthoudt 7 dagen en 30 minuten; kan ook vanzelf veranderen, door verloop van tijd" in done.stdout
    assert "Two visits" not in done.stdout


def test_what_is_kept(run, tmp_path):
    """A marketer reads which events of a customer are kept, what of them, and for how long."""
    (tmp_path / "big.py").write_text(
        '"""Big."""\nfrom segments.language import Segment, purchase\n'
        'big = Segment(nl="Grote klanten", when=purchase.within(days=365).sum(purchase.amount) >= 100)\n'
    )
    (tmp_path / "kept.py").write_text(
        '"""Kept."""\nfrom segments.big import big\n'
        "from segments.language import Segment, consent, days, product_view, purchase, visit\n"
        "kept = Segment(\n"
        '    nl="Bewaard", for_at_least=days(2), at_most_every=days(30),\n'
        '    when=[big, consent("mail"), visit.idle >= days(3),\n'
        '          purchase.where(purchase.channel == "web").within(days=30).count() >= 1,\n'
        "          product_view.by(product_view.category).within(days=7).count() >= 3],\n"
        ")\n"
    )
    done = run("show", "kept", "--rules", str(tmp_path), "--lang", "nl")
    assert done.returncode == 0, done.stderr
    kept = done.stdout.partition("bewaart\n")[2].partition("\n\n")[0]
    for said in (
        "van elk bezoek het tijdstip, 30 minuten lang: ",
        "van elke aankoop (waarbij het kanaal “web” is) het tijdstip, 30 dagen lang: ",
        "per categorie van elke productweergave het tijdstip, 7 dagen lang: ",
        " bytes per stuk",
        "het profiel: tot de klant wordt gewist",
        "of de klant in het segment “Grote klanten” zit",
        "sinds wanneer de regel waar is: tot die het niet meer is",
        "de laatste keer dat de klant erin kwam: 30 dagen lang",
        " bytes voor een klant die van alles 10 heeft",
    ):
        assert said in kept, kept
    assert " the " not in kept


def test_a_failing_story(run, rules):
    """What was told, what happened, the values and the mend are told in Dutch; the notation of stories stays."""
    rules.write_text(
        RULE.replace(
            ">= 2\n", '>= 2,\n    examples="""\n    0d page_view\n    1d page_view\n    2d enters\n    """\n'
        )
    )
    done = run("test", str(rules), "--lang", "nl")
    assert done.returncode == 1
    assert "FOUT  two_visits: 1 van 1 verhaal" in done.stdout
    for said in (
        "Volgens het verhaal: enters op 2d; in werkelijkheid: enters op 1d.",
        "Schrijf erbij: 1d enters, of verbeter de regel.",
        "op 1d:",
        "✓ visit.within(days=7).count() is 2, grens >= 2",
        "1 regel: 1 verhaal komt niet uit",
    ):
        assert said in done.stdout, done.stdout


def test_stories_that_come_true(run, rules):
    """All is well, in Dutch."""
    rules.write_text(
        RULE.replace(
            ">= 2\n", '>= 2,\n    examples="""\n    0d page_view\n    1d page_view\n    1d enters\n    """\n'
        )
    )
    done = run("test", str(rules), env={"SEGMENTS_LANGUAGE": "nl"})
    assert done.stdout == "goed  two_visits: 1 verhaal\n1 regel: alle verhalen komen uit\n", done.stdout


def test_why_in_english_by_title(run, rules, log):
    """A chosen language names a segment by its title; without one its id is told, which commands take."""
    chosen = run("why", "anna", "--file", log, "--rules", str(rules), "--lang", "en")
    assert "in   Two visits in a week since 2026-01-03T" in chosen.stdout
    plain = run("why", "anna", "--file", log, "--rules", str(rules))
    assert "in   two_visits since 2026-01-03T" in plain.stdout
