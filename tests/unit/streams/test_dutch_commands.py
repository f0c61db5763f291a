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
    assert "in   two_visits sinds 2026-01-03T" in done.stdout
    assert "visit.within(days=7).count() is 2, grens >= 2" in done.stdout
    assert "alleen al door de tijd: eruit op 2026-01-08T" in done.stdout


def test_why_of_somebody_unknown(run, rules, log):
    """Nothing is said in two languages at once."""
    done = run("why", "carl", "--file", log, "--rules", str(rules), "--lang", "nl")
    assert "Van deze klant is niets bekend" in done.stdout
    assert "uit  two_visits" in done.stdout
    assert "is 0, grens >= 2" in done.stdout


def test_try(run, rules, log):
    """Who is in it, the days, and an example with its evidence."""
    done = run("try", str(rules), "--file", log, "--lang", "nl", env={"SEGMENTS_RULES": str(rules.parent)})
    assert done.returncode == 0, done.stderr
    for said in (
        "Twee bezoeken in een week",
        "1 van 2 bekende klanten",
        "voorbeelden: wie er het laatst in kwam",
        "grens >= 2",
    ):
        assert said in done.stdout
    assert "customers known" not in done.stdout
