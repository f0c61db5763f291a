"""What a condition on now or on a date of the profile can't mean: hours that no clock shows, dates that are none."""

from collections.abc import Iterator
from datetime import date

from segments.language.catalogue import WEEKDAYS, Type
from segments.language.errors import Origin
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import Condition
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import Duration, days
from segments.language.nodes.literals import shown
from segments.language.nodes.text import leaf_text

Fault = tuple[Origin, str, str, bool]
"""As in `meaning`."""

SHOWN = {"hour": range(24), "month": range(1, 13), "weekday": WEEKDAYS}
LONGEST_YEAR = days(366)
"""From one anniversary to the next."""


def check_calendar(leaf: Condition) -> Iterator[Fault]:
    """What is wrong with a condition that reads the calendar."""
    if isinstance(leaf, TodayComparison):
        yield from _check_today(leaf)
    elif isinstance(leaf, DateComparison) and leaf.told == "anniversary":
        yield from _check_anniversary(leaf)


def _check_anniversary(leaf: DateComparison) -> Iterator[Fault]:
    if isinstance(leaf.bound, Duration) and leaf.bound > LONGEST_YEAR:
        problem = f"{leaf_text(leaf)} {leaf.operator} {leaf.bound}: an anniversary is at most a year ahead."
        yield leaf.origin, problem, "Write days(366) or less.", False


def _check_today(leaf: TodayComparison) -> Iterator[Fault]:
    subject, bounds = leaf_text(leaf), leaf.bound if isinstance(leaf.bound, tuple) else (leaf.bound,)
    if leaf.part == "weekday" and leaf.operator in (">=", ">", "<=", "<"):
        mend = 'List the days that are meant: today.weekday.is_in("saturday", "sunday").'
        yield leaf.origin, f"{subject} {leaf.operator} compares names of days letter by letter.", mend, True
    if not bounds:
        yield leaf.origin, f"{subject}.is_in() of nothing is never true.", "Name the values.", False
    for bound in bounds:
        if isinstance(bound, str) is not (leaf.type is Type.TEXT) or isinstance(bound, bool):
            mend = "Write a text." if leaf.type is Type.TEXT else "Write a number."
            yield leaf.origin, f"{subject} is {leaf.type.value}; {shown(bound)} is none.", mend, False
        elif leaf.part == "day" and not _is_date(str(bound)):
            problem = f'{subject} is a date such as "2026-11-24"; {shown(bound)} is none.'
            yield leaf.origin, problem, "Write the date that is meant.", False
        elif leaf.part != "day" and bound not in SHOWN[leaf.part]:
            known = SHOWN[leaf.part]
            problem = f"{subject} is one of {', '.join(map(str, known))}; {shown(bound)} is none of them."
            yield leaf.origin, problem, "Write one of those.", False


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
