"""The version of a rule: a digest of what it means, the segments it reads included, not of how it is written."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b

from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.fields import Field, Filter
from segments.language.nodes.order import in_order, reads
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import (
    condition_text,
    goal_text,
    leaves,
    literal,
    measure_text,
    measures_of_rule,
    plain,
)
from segments.plan.planner import UTC, is_calendar, is_money

PLAIN = "EUR"
"""The currency that is no part of a version: rules had theirs before it was."""


def version(segment: Segment, currency: str = PLAIN, zone: str = UTC) -> str:
    """Twelve hex digits; equal if and only if two rules mean the same: what is money is part of what a rule means."""
    return versions_of([segment], currency, zone)[segment.id]


def digest(segments: Iterable[Segment], currency: str = PLAIN, zone: str = UTC) -> str:
    """The digest of a rule set: sixteen hex digits."""
    rules = list(segments)
    aims = {segment.id: aim_identity(segment, currency, zone) for segment in rules}
    return digest_of(versions_of(rules, currency, zone), aims)


def digest_of(versions: Mapping[str, str], aims: Mapping[str, str]) -> str:
    """The digest of the rules that `aims` has, by the versions and the aim identities of each id."""
    told = (f"{id_}={versions[id_]}" + (f", aim={aim}" if aim else "") for id_, aim in aims.items())
    return _digest(sorted(told), 8)


def aim_identity(segment: Segment, currency: str = PLAIN, zone: str = UTC) -> str:
    """Twelve hex digits of goal, revenue, control and experiment; empty without a goal and without a control group.

    The currency is part of it where revenue or `where` reads money, the zone where `where` reads the calendar.
    """
    aim = segment.aim
    if aim.goal is None and aim.control is None:
        return ""
    goal = aim.goal
    read = (aim.revenue, *((goal.filter, goal.key) if goal is not None else ()))
    parts = [
        goal_text(aim),
        currency if any(map(is_money, read)) else "",
        zone if any(map(is_calendar, read)) else "",
    ]
    arms = [] if aim.control is None else [plain(aim.control), aim.experiment]
    return _digest([*parts, *arms], 6)


def versions_of(segments: Iterable[Segment], currency: str = PLAIN, zone: str = UTC) -> dict[str, str]:
    """The versions of these segments and of those that they read, by id; each segment is looked at once."""
    found: dict[str, str] = {}
    for segment in in_order(segments):
        until = "" if segment.until is None else condition_text(segment.until)
        others = sorted(f"{other.id}={found[other.id]}" for other in reads(segment))
        money = [f"currency={currency}"] if currency != PLAIN and reads_money(segment) else []
        calendar = [f"zone={zone}"] if zone != UTC and reads_calendar(segment) else []
        found[segment.id] = _digest(
            [
                condition_text(segment.when),
                until,
                *_held_back(segment),
                *(f"details={literal(name)}:{measure_text(each)}" for name, each in segment.details),
                *_values(segment),
                *_models(segment),
                *others,
                *money,
                *calendar,
            ],
            6,
        )
    return found


def _held_back(segment: Segment) -> list[str]:
    """What holds a customer back from entering at once; rules without it had their versions before it was."""
    spans = {"for_at_least": segment.for_at_least, "at_most_every": segment.at_most_every}
    return [f"{name}={span}" for name, span in spans.items() if span]


def _values(segment: Segment) -> list[str]:
    """What its values are; the order of stages is part of what they mean."""
    if segment.stages:
        return [f"stage={literal(name)}: {condition_text(when)}" for name, when in segment.stages]
    return [] if segment.for_each is None else [f"for_each={segment.for_each}"]


def _models(segment: Segment) -> list[str]:
    """The numbers of the models that a rule reads: another fit is another rule."""
    every = measures_of_rule(segment)
    return sorted({f"model={each.of.meaning}" for each in every if isinstance(each, Predicted)})


def reads_money(segment: Segment) -> bool:
    """Whether a rule reads a field of money, so that the currency matters to it."""
    return any(map(is_money, _read_by(segment)))


def reads_calendar(segment: Segment) -> bool:
    """Whether a rule reads the calendar, so that the zone matters to it."""
    held = leaves(segment.when) + leaves(segment.until)
    periods = (measure.events.period for measure in measures_of_rule(segment))
    return (
        any(isinstance(leaf, TodayComparison | DateComparison) for leaf in held)
        or any(periods)
        or any(map(is_calendar, _read_by(segment)))
    )


def _read_by(segment: Segment) -> Iterator[Field | Filter | None]:
    """The fields and filters of a rule's measures."""
    for measure in measures_of_rule(segment):
        yield from measure.columns
        for events in measure.events.sets:
            yield from (events.key, events.match, events.filter)


def _digest(parts: list[str], size: int) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=size).hexdigest()
