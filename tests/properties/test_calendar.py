"""The engine against the oracle where rules read the calendar: periods, now, dates of the profile, clocks put forward."""

import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given

from segments.language import Segment, any_of, hours, not_, profile, today, years
from segments.language.checking.lint import may_be
from segments.language.measures import MEASURES, Argument
from segments.language.nodes.calendar import PERIODS
from segments.language.nodes.conditions import AllOf, Condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.measures import Measure
from tests.properties.comparing import differences, names, orderly
from tests.properties.constructs import OF_CALENDARS, constructs
from tests.properties.drive import at_random, whole
from tests.properties.model import World
from tests.properties.picking import Pick, by_chance, one_in, picked
from tests.properties.records import DAY, HOUR, MINUTE, START, Arrival
from tests.properties.records import profile as profile_at
from tests.properties.rules import (
    NAMES,
    OPERATORS,
    USUAL,
    bounded,
    compared,
    comparison,
    duration,
    event_set,
    field,
    known,
    narrowed,
)
from tests.properties.running import EXAMPLES, LEAST, LONG, SEED, alike, thorough
from tests.properties.stories import GRACES, Example, Phase, afterwards, arrivals_to

pytestmark = LONG

MOMENTS = (
    ("Europe/Amsterdam", (2026, 3, 27, 23)),  # put forward on Sunday at 01:00 UTC
    ("Europe/Amsterdam", (2026, 10, 23, 22)),  # put back
    ("America/Santiago", (2026, 9, 5, 4)),  # midnight is skipped
    ("America/Santiago", (2026, 4, 3, 3)),  # the last hour of Saturday comes twice
    ("Australia/Lord_Howe", (2026, 4, 3, 13)),  # by half an hour
    ("Asia/Kolkata", (2027, 12, 30, 18, 30)),
    ("Europe/Amsterdam", (2028, 2, 28, 23)),  # 29 February
    ("UTC", (2026, 1, 1)),
)
"""A zone, and when a story begins in UTC: about two days before something happens to the clock."""
COLUMNS = (*OF_CALENDARS, *{zone: None for zone, _ in MOMENTS})
"""What some rule that flips must have."""
SHORT = ("today", "yesterday", "this week")


def of_period(pick: Pick, periods: tuple[str, ...] = tuple(PERIODS)) -> Condition:
    """A measure of a period of the calendar, narrowed in any way that goes with one."""
    name = pick(NAMES)
    number = MEASURES[name].argument is Argument.NUMBER
    source = event_set(pick(("purchase", "purchase.items") if number else USUAL))
    steps = {each for each in ("where", "by", "since", "same", "after") if one_in(pick, 4)}
    events: Events = replace(narrowed(pick, source, steps), window=None).during(pick(periods))
    if MEASURES[name].duration:
        return duration(pick, getattr(events, name))
    found: Condition = bounded(
        pick, Measure(events, MEASURES[name], None if name == "count" else field(pick, events.source, number))
    )
    if one_in(pick, 4):
        other = replace(event_set(pick(USUAL)), window=None).during(pick(periods))
        found = compared(events.count(), pick(OPERATORS), pick((other.count(), 2 * other.count())))
    return found


def of_now(pick: Pick, day: str) -> Condition:
    """A condition on now."""
    part = pick(("hour", "weekday", "day", "month"))
    bounds: dict[str, tuple[Any, ...]] = {
        "hour": (0, 2, 9, 23),
        "weekday": ("saturday", "sunday", "monday"),
        "day": (day, "2026-09-06", "2028-02-29"),
        "month": (3, 4, 9, 12),
    }
    how = pick(("==", "!=", "is_in") if part == "weekday" else (*OPERATORS, "is_in"))
    asked, bound = getattr(today, part), pick(bounds[part])
    found: Condition = (
        asked.is_in(bound, pick(bounds[part])) if how == "is_in" else compared(asked, how, bound)
    )
    return found


def of_date(pick: Pick) -> Condition:
    """A condition on a date of the profile."""
    told = pick(("remaining", "age", "anniversary"))
    bounds = [Duration(0), hours(1), hours(25), Duration(7 * DAY)]
    bounds += [years(1), years(18)] if told == "age" else []
    found: Condition = compared(getattr(profile("date").date, told), pick(OPERATORS), pick(bounds))
    return found


def calendar_example(pick: Pick) -> Example:
    """A rule or two that read the calendar, and a story about the time at which something happens to the clock."""
    zone, moment = pick(MOMENTS)
    begins = int(datetime(*moment, tzinfo=UTC).timestamp()) * 1000  # type: ignore[arg-type]  # the parts of a date
    day = datetime.fromtimestamp(begins / 1000 + 2 * 86_400, UTC).date().isoformat()
    segments = list[Segment]()
    # The oracle tries each hour of what the rules remember: not of years.
    now_too = (
        lambda pick: of_period(pick, SHORT),
        lambda pick: of_now(pick, day),
        lambda pick: of_now(pick, day),
    )
    leaves: tuple[Any, ...] = now_too if one_in(pick, 2) else (of_period, of_period, of_date)
    for name in ("bee", "ant")[: pick((1, 2))]:
        leaf = pick(leaves)(pick)
        shape = pick(("alone", "list", "any_of", "not_", "until"))
        other = segments[0] if segments and one_in(pick, 2) else comparison(pick)
        when: Condition = {
            "list": AllOf((leaf, other)),
            "any_of": any_of(leaf, other),
            "not_": not_(leaf),
        }.get(shape, leaf)
        ends = other if shape == "until" else None
        if ends is not None and may_be(False, ends):
            ends = not_(ends)
        if ends is None and may_be(True, when):
            when = AllOf((when, known(pick)))
        segments.append(Segment(id=name, when=when, until=ends))
    arrivals = [moved(each, begins - START) for each in arrivals_to(pick, segments)]
    arrivals += [moved(dated(pick, number, day), begins - START) for number in range(pick((1, 2)))]
    arrivals.sort(key=lambda each: (each.timestamp, each.time) if one_in(pick, 2) else (each.time, 0))
    now = pick((None, max(each.timestamp for each in arrivals) + pick((0, HOUR, 2 * DAY))))
    end = moved(afterwards(segments, []), begins - START)
    latest = max(each.time for each in arrivals)
    last = replace(
        end, event={**(end.event or {}), "occurred_at": latest + 4 * DAY}, timestamp=latest + 4 * DAY
    )
    return Example(
        tuple(segments), pick(GRACES), (Phase(tuple(arrivals), now), Phase((last,), None)), zone=zone
    )


def dated(pick: Pick, number: int, day: str) -> Arrival:
    """A profile with a date in it, near to the story or on 29 February."""
    given = pick((day, day, f"2008{day[4:]}", "2004-02-29", "2026-02-30", "soon", 2026.0))
    at = pick((0, MINUTE, DAY, 30 * HOUR))
    return profile_at(
        at, pick(("ann", "ann", "bob")), f"p{number}", 0, date=given, consents={"marketing": True}
    )


def moved(arrival: Arrival, by: int) -> Arrival:
    """The same record so many milliseconds later."""
    event = arrival.event
    if isinstance(event, dict):
        event = event | {"occurred_at": event["occurred_at"] + by}
    return replace(arrival, event=event, timestamp=arrival.timestamp + by)


def agreed(drawn: Example) -> World:
    """The engine did what the oracle says."""
    world = World(drawn)
    expected, worker = world.run(), whole(drawn)
    found = [*differences(drawn, expected, worker), *names(drawn, worker), *orderly(worker)]
    assert not found, "\n".join([f"{drawn.zone} {drawn!r}", *found])
    return world


def test_engine_and_oracle_agree_on_the_calendar(capsys: pytest.CaptureFixture[str]) -> None:
    """Every flip with all its fields, in zones on both hemispheres whose clocks are put forward and back."""
    flipped = Counter[str]()

    @thorough(0.03)
    @given(picked(calendar_example))
    def agree(drawn: Example) -> None:
        flipped.update(met(drawn, agreed(drawn)))

    agree()
    for count, drawn in enumerate(by_chance(calendar_example, EXAMPLES * 2, SEED)):
        missing = {name for name in COLUMNS if not flipped[name]}
        if count >= EXAMPLES // 40 and (EXAMPLES < LEAST or not missing):
            break
        # Stories are drawn in no time: those that have nothing new in them need not be lived through.
        made = {drawn.zone}.union(*(constructs(segment) for segment in drawn.segments))
        if count < EXAMPLES // 40 or made & missing:
            flipped.update(met(drawn, agreed(drawn)))
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(f"{name}: {flipped[name]}" for name in COLUMNS) + "\n")
    assert EXAMPLES < LEAST or all(flipped[name] for name in COLUMNS)


def met(drawn: Example, world: World) -> set[str]:
    """The constructs of the rules that flipped, and the zone."""
    flips = {flip["segment"] for flips in world.output.flips.values() for flip in flips}
    found = {each for segment in drawn.segments if segment.id in flips for each in constructs(segment)}
    return (found | ({drawn.zone} if found else set())) & {*COLUMNS}


@thorough(0.03)
@given(picked(calendar_example))
def test_a_crash_changes_nothing_that_the_calendar_tells(drawn: Example) -> None:
    """What was not committed is done again, from the states as committed."""
    at_once = whole(drawn)
    alike(drawn, at_once, at_random(drawn, Random(repr(drawn)), crashes=True, rules=at_once.rule_sets))
