"""The time zone of the shop: what a plan carries, which versions hold it, and when stories happen."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

import segments
from segments.engine.rules import load
from segments.insight.proving import engine, failures
from segments.language import Segment, StoryError, page_view
from segments.language.nodes.durations import DAY, HOUR
from segments.language.stories.reader import read_stories
from segments.language.zones import instants_of, zone_of
from segments.plan.lowering import lower
from segments.plan.version import version
from segments.plan.zones import zone_data
from streams.cli import main
from tests.kit.stories import oracle

ZONES = ("Europe/Amsterdam", "America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata")
EVENING = page_view.where(page_view.hour >= 18).within(days=2).count() >= 1
SHIPPED = load([Path(segments.__file__).parent]).segments


def at(*moment):
    """A moment in UTC, in milliseconds."""
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("name", ZONES)
def test_a_plan_carries_the_changes_of_its_zone(name):
    """On each side of every change the plan tells what the package tells; two years of hours, too."""
    zone = zone_data(name)
    rows = [(None, zone.offset), *zone.changes]
    for (_, before), (change, after) in pairwise(rows):
        moments = [datetime.fromtimestamp(change / 1000 + step, UTC) for step in (-1, 0)]
        offsets = [
            each.astimezone(zone_of(name)).utcoffset() // timedelta(milliseconds=1) for each in moments
        ]
        assert offsets == [before, after]
    for hour in range(2 * 8766):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)
        milliseconds = int(moment.timestamp() * 1000)
        told = [ahead for change, ahead in rows if change is None or change <= milliseconds][-1]
        assert told == moment.astimezone(zone_of(name)).utcoffset() // timedelta(milliseconds=1)


def test_a_clock_shows_an_instant_once_twice_or_never():
    """02:30 on the last Sunday of March is skipped in Amsterdam, on that of October it comes twice."""
    assert instants_of("Europe/Amsterdam", at(2026, 3, 29, 2, 30)) == []
    twice = instants_of("Europe/Amsterdam", at(2026, 10, 25, 2, 30))
    assert twice == [at(2026, 10, 25, 0, 30), at(2026, 10, 25, 1, 30)]
    assert instants_of("Australia/Lord_Howe", at(2026, 1, 1)) == [at(2025, 12, 31, 13)]


def test_the_zone_is_in_the_version_of_rules_that_read_the_calendar():
    """Others keep theirs; in UTC it is the version of before."""
    reads, plain = Segment(id="a", when=EVENING), Segment(id="b", when=page_view.within(days=2).count() >= 1)
    assert version(reads) == version(reads, "EUR", "UTC")
    assert len({version(reads, "EUR", name) for name in (*ZONES, "UTC")}) == 5
    assert version(plain) == version(plain, "EUR", "Asia/Kolkata")
    assert lower([plain], "EUR", "Asia/Kolkata").rules == lower([plain]).rules


def test_an_event_has_the_hour_of_the_zone():
    """18:00 in Kolkata is 12:30 in UTC."""
    rule = Segment(id="evening", when=EVENING)
    event = {"topic": "clickstream", "customer_id": "ann", "kind": "page_view"}
    events = [
        event | {"event_id": f"{n}", "occurred_at": at(2026, 5, 1, 12, minute)}
        for n, minute in enumerate((29, 30))
    ]
    flips = segments.replay(events, rule, timezone="Asia/Kolkata")
    assert [flip["occurred_at"] for flip in flips] == ["2026-05-01T12:30:00.000Z"]
    assert segments.replay(events, rule) == []
    assert segments.why(events, rule, "ann", timezone="Asia/Kolkata")["segments"][0]["inside"]


def story(*lines):
    """A rule about the evening with a story."""
    return Segment(id="evening", when=EVENING, examples="\n".join(lines))


@pytest.mark.parametrize("machine", [engine, oracle])
def test_stories_happen_in_the_zone(machine):
    """They begin at midnight of the zone, and a date and time is what its clock shows; spans stay spans."""
    told = story("2026-03-28 18:00  page_view  enters", "2026-03-30 19:00  leaves")
    assert failures(told, machine, zone="Europe/Amsterdam") == []
    assert "happened: enters at 86d 18h, then leaves at 88d 18h." in str(failures(told, machine)[0])
    begun = story("0d 18h  page_view  enters", "2d 18h  leaves")
    for name in ZONES:
        assert failures(begun, machine, zone=name) == []


def test_a_time_that_the_zone_skips_is_refused_and_of_two_the_first_is_meant():
    """The message names the zone, and the line."""
    skipped = story("", "2026-03-29 02:30  page_view")
    with pytest.raises(StoryError) as refused:
        read_stories(skipped, zone="Europe/Amsterdam")
    assert refused.value.problem == (
        "The clock of Europe/Amsterdam never shows 2026-03-29 02:30: it is put forward then."
    )
    (read,) = read_stories(skipped)
    assert read.lines[0].at == 87 * DAY + 2 * HOUR + HOUR // 2
    (read,) = read_stories(story("2026-10-25 02:30  page_view"), zone="Europe/Amsterdam")
    assert read.start + read.lines[0].at == at(2026, 10, 25, 0, 30)


@pytest.mark.parametrize("name", ["America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_the_stories_of_shipped_rules_come_true_in_each_zone(name):
    """On both hemispheres, and where the clock is half an hour beside."""
    failing = [str(error) for rule in SHIPPED for error in failures(rule, engine, zone=name)]
    assert failing == []


def test_commands_read_the_setting(tmp_path, monkeypatch):
    """`test`, `lint` and `list` see a rule in SEGMENTS_TIMEZONE; a zone that nobody knows is refused."""
    (tmp_path / "evening.py").write_text(
        '"""Evening."""\n\nfrom segments.language import Segment, page_view\n\n'
        'evening = Segment(\n    en="e",\n    nl="n",\n'
        "    when=page_view.where(page_view.hour >= 18).within(days=2).count() >= 1,\n"
        '    examples="""\n'
        "    2026-03-29 02:30  page_view\n"
        '    """,\n)\n',
        encoding="utf-8",
    )
    monkeypatch.setenv("SEGMENTS_RULES", str(tmp_path))
    run = lambda *words: CliRunner().invoke(main, words)  # noqa: E731
    assert "all stories come true" in run("test").output
    before = run("list").output.split()[1]
    monkeypatch.setenv("SEGMENTS_TIMEZONE", "Europe/Amsterdam")
    assert "never shows 2026-03-29 02:30" in run("test").output
    assert "never shows 2026-03-29 02:30" in run("lint").output
    assert run("list").output.split()[1] != before
    monkeypatch.setenv("SEGMENTS_TIMEZONE", "Europe/Atlantis")
    assert "SEGMENTS_TIMEZONE" in run("list").output
