"""Rules that read the calendar, lived by the engine and by the oracle: periods, now, and dates of the profile."""

import pytest

from segments.insight.proving import engine, failures
from segments.language import Segment, any_event, days, hours, page_view, profile, purchase, today, years
from tests.kit.stories import oracle

KNOWN = any_event.within(days=365).count() >= 1
STORIES = {
    "today": (
        page_view.during("today").count() >= 2,
        """
        2026-03-28 23:59  page_view
        2026-03-29 00:00  page_view
        2026-03-29 23:00  page_view  enters
        2026-03-30 00:00  leaves
        """,
    ),
    "yesterday": (
        page_view.during("yesterday").count() == 1,
        """
        2026-10-24 12:00  page_view
        2026-10-25 00:00  enters
        2026-10-26 00:00  leaves
        """,
    ),
    "by a value": (
        page_view.by(page_view.page).during("last week").count() >= 2,
        """
        2026-01-05 00:00  page_view page=/a
        2026-01-11 23:59  page_view page=/a
        2026-01-11 23:59  page_view page=/b
        2026-01-12 00:00  enters
        2026-01-19 00:00  leaves
        """,
    ),
    "since": (
        page_view.since(purchase).during("this month").count() >= 1,
        """
        2026-01-31 23:59  page_view  enters
        2026-02-01 00:00  leaves
        2026-02-10 12:00  page_view  enters
        2026-02-10 13:00  purchase   leaves
        """,
    ),
    "the latest of the year before": (
        page_view.during("last year").last(page_view.page) == "/a",
        """
        2026-12-30 12:00  page_view page=/a
        2026-12-31 12:00  page_view page=/b
        2027-01-01 00:00  page_view page=/a
        2028-01-01 00:00  enters
        2029-01-01 00:00  leaves
        """,
    ),
    "the hour that is skipped": (
        [KNOWN, today.hour == 2],
        """
        2026-03-28 12:00  page_view
        2026-03-30 02:00  enters
        2026-03-30 03:00  leaves
        2026-03-30 12:00
        """,
    ),
    "the weekend": (
        [page_view.within(days=3).count() >= 1, today.weekday.is_in("saturday", "sunday")],
        """
        2026-10-22 12:00  page_view
        2026-10-24 00:00  enters
        2026-10-25 11:00  leaves
        """,
    ),
    "a date of the calendar": (
        [page_view.within(days=2).count() >= 1, today.day >= "2026-02-01", today.month == 2],
        """
        2026-01-31 12:00  page_view
        2026-02-01 00:00  enters
        2026-02-02 12:00  leaves
        """,
    ),
    "the end of a contract": (
        profile("ends").date.remaining <= days(30),
        """
        1d  profile ends=2026-03-15
        2026-02-13 00:00  enters
        2026-03-15 00:00  leaves
        """,
    ),
    "an age in years": (
        profile("born").date.age >= years(65),
        """
        1d  profile born=1961-02-28
        2026-02-28 00:00  enters
        2026-03-01 00:00  profile born=1964-02-29  leaves
        2029-03-01 00:00  enters
        """,
    ),
    "the anniversary of 29 February": (
        profile("born").date.anniversary == hours(0),
        """
        1d  profile born=2004-02-29
        2026-03-01 00:00  enters
        2026-03-02 00:00  leaves
        2027-03-01 00:00  enters
        2027-03-02 00:00  leaves
        2028-02-29 00:00  enters
        2028-03-01 00:00  leaves
        """,
    ),
    "what is no date": (
        profile("born").date.age >= days(0),
        """
        1d  profile born=2026-02-30
        2d  profile born=20260101
        3d  profile born=2026
        4d  profile born=2026-01-01  enters
        5d  erase  leaves
        """,
    ),
}


@pytest.mark.parametrize("machine", [engine, oracle])
@pytest.mark.parametrize("name", STORIES)
def test_the_calendar_in_stories(name, machine):
    """Each at the very instant, in a zone whose clock is put forward on 29 March and back on 25 October."""
    when, told = STORIES[name]
    assert failures(Segment(id="rule", when=when, examples=told), machine, zone="Europe/Amsterdam") == []


@pytest.mark.parametrize("zone", ["America/Santiago", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_midnight_that_a_zone_skips_or_has_twice(zone):
    """A day begins at its first instant: in Santiago on 6 September at 01:00, in April an hour late."""
    first = "2026-09-06 01:00" if zone == "America/Santiago" else "2026-09-06 00:00"
    told = f"""
        2026-04-03 23:30  page_view
        2026-04-04 00:00  enters
        2026-04-05 00:00  leaves
        2026-09-05 12:00  page_view
        {first}           enters
        2026-09-07 00:00  leaves
    """
    rule = Segment(id="rule", when=page_view.during("yesterday").count() >= 1, examples=told)
    for machine in (engine, oracle):
        assert failures(rule, machine, zone=zone) == []


def test_evidence_tells_lengths_of_time_in_milliseconds_and_years_as_written():
    """So `why` and a failing story show a date."""
    rule = Segment(
        id="rule",
        when=[profile("born").date.age >= years(65), today.weekday == "monday", KNOWN],
        examples="0d page_view enters\n1d profile born=1961-01-03",
    )
    (error,) = failures(rule, engine)
    assert error.values[1:3] == (
        '✗ profile("born").date.age is nothing, bound >= years(65)',
        "✗ today.weekday is thursday, bound == monday",
    )
