"""The calendar of the time zone, for the oracle: what a clock shows, when a date begins."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from segments.language.catalogue import WEEKDAYS
from segments.language.nodes.calendar import Period
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import Duration
from segments.language.truth.memory import Memory
from segments.language.zones import seconds_ahead

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  as a clock of any zone shows it
QUARTER = 15 * 60_000
"""Milliseconds: clocks are so far apart, or a multiple of it."""


def shown(zone: str, at: int) -> datetime:
    """What the clock of a zone shows, to the second."""
    return EPOCH + timedelta(seconds=at // 1000 + seconds_ahead(zone, at // 1000))


@lru_cache(maxsize=100_000)
def begins(zone: str, day: date) -> int:
    """The first millisecond whose date is this one or a later one: by quarters, minutes, seconds."""
    second = (day.toordinal() - EPOCH.toordinal() - 1) * 86_400
    for step in (QUARTER // 1000, 60, 1):
        while shown(zone, 1000 * second).date() < day:
            second += step
        second -= step
    return 1000 * (second + 1)


def date_at(zone: str, at: int) -> date:
    """The last date that has begun."""
    day = shown(zone, at).date()
    return day + timedelta(days=1) if begins(zone, day + timedelta(days=1)) <= at else day


def turned(unit: str, day: date, steps: int) -> date:
    """The first date of the period of a date, or of a later period."""
    match unit:
        case "day":
            return day + timedelta(days=steps)
        case "week":
            return day - timedelta(days=day.weekday()) + timedelta(weeks=steps)
        case "month":
            months = 12 * day.year + day.month - 1 + steps
            return date(months // 12, months % 12 + 1, 1)
    return date(day.year + steps, 1, 1)


def counts(period: Period, zone: str, at: int, now: int) -> bool:
    """Whether an event at an instant is of the period, as it is now."""
    day, before = date_at(zone, now), int(period.previous)
    first, end = turned(period.unit, day, -before), turned(period.unit, day, 1 - before)
    return begins(zone, first) <= at < begins(zone, end)


def now_shows(part: str, zone: str, now: int) -> Any:
    """What a condition on now compares."""
    return _shows(part, zone, now // QUARTER)


@lru_cache(maxsize=100_000)
def _shows(part: str, zone: str, quarter: int) -> Any:
    moment = shown(zone, quarter * QUARTER)
    if part == "weekday":
        return WEEKDAYS[moment.weekday()]
    return moment.date().isoformat() if part == "day" else getattr(moment, part)


def in_year(day: date, year: int) -> date:
    """A date in another year; 29 February is 1 March where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def date_of(leaf: DateComparison, memory: Memory) -> date | None:
    """The date that the profile tells; None: it tells none."""
    text = None if memory.profile is None else memory.profile["attributes"].get(leaf.name)
    try:
        day = date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return day if day is not None and day.isoformat() == text else None


def told(leaf: DateComparison, now: int, memory: Memory) -> tuple[int | None, int]:
    """What is told of a date in milliseconds, None if nothing is, and the bound as so many of them."""
    day, zone = date_of(leaf, memory), memory.zone
    bound = leaf.bound.milliseconds if isinstance(leaf.bound, Duration) else 0
    if day is None:
        return None, bound
    start = begins(zone, day)
    if leaf.told == "remaining":
        return (start - now if now < start else None), bound
    if leaf.told == "age":
        if not isinstance(leaf.bound, Duration):
            bound = begins(zone, in_year(day, day.year + leaf.bound.count)) - start
        return (now - start if now >= start else None), bound
    today = date_at(zone, now)
    coming = [day, *(in_year(day, today.year + step) for step in (0, 1))]
    following = min(each for each in coming if each >= max(day, today))
    return (0 if following == today else begins(zone, following) - now), bound
