"""The slow truth: whether a condition holds at an instant, word by word from the contract, section 2.

Quadratic, and obviously right: nothing is kept but what happened, and every question is answered from all of it. The
engine is judged by this file and by `life.py`, which says what flips when; they share with it the nodes of the
language, their texts, and nothing else.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from segments.language.conditions import AllOf, AnyOf, Comparison, Condition, Consent, Not, ProfileComparison
from segments.language.durations import MINUTE
from segments.language.events import CLICK_KINDS, VISIT_KINDS, Events
from segments.language.fields import AllTests, AnyTest, Field, Filter, NotTest, Test, Type
from segments.language.measures import DURATIONS, Measure
from segments.language.segment import Segment
from segments.language.text import measure_text

Event = Mapping[str, Any]
VISIT_GAP = 30 * MINUTE
NEVER = float("-inf")
OPERATORS = {"==": eq, "!=": ne, ">=": ge, ">": gt, "<=": le, "<": lt}
OF_VALUES: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "mean": lambda values: Fraction(sum(values)) / len(values),
    "max": max,
    "min": min,
    "distinct": lambda values: len(set(values)),
    "last": lambda values: values[-1],
}


@dataclass(slots=True)
class Memory:
    """All that is remembered of a customer."""

    currency: str = "EUR"
    events: list[tuple[str, Event]] = field(default_factory=list)
    """Topic and event, in order of application."""
    profile: Event | None = None
    known: Mapping[str, float] = field(default_factory=dict)
    """For measures that came with a later rule set, by their text, the instant from which they know events."""


def happened(name: str, memory: Memory) -> Iterator[Event]:
    """The events of a set, in order of time and, at the same time, of application."""
    previous = NEVER
    for topic, event in sorted(memory.events, key=lambda each: int(each[1]["occurred_at"])):
        kind, click = event["kind"], topic == "clickstream"
        if name == "visit":
            if click and kind in VISIT_KINDS:
                yield from [event] if event["occurred_at"] - previous >= VISIT_GAP else []
                previous = event["occurred_at"]
        elif not click and name == f"{kind}.items":
            yield from ({**event, **line} for line in event["items"])
        elif name in ("any_event", kind if kind in CLICK_KINDS or not click else f'event("{kind}")'):
            yield event


def read(of: Field, event: Event, memory: Memory) -> Any:
    """The value of a field, or None if it is missing; money in another currency is missing."""
    if of.name == "day":
        return datetime.fromtimestamp(event["occurred_at"] // 1000, UTC).date().isoformat()
    if of.key is not None:
        return event["attributes"].get(of.key)
    if of.type is Type.MONEY:
        return Decimal(event[of.name]).scaleb(-2) if event["currency"] == memory.currency else None
    return event[of.name]


def compare(value: Any, how: str, bound: Any) -> bool:
    """Text with text, number with number, boolean with boolean; anything else, and nothing, is false.

    A double of a profile is compared with the double next to a decimal: 0.1 is Decimal("0.1").
    """
    if how == "is_in":
        return any(compare(value, "==", each) for each in bound)
    bound = float(bound) if isinstance(value, float) and isinstance(bound, Decimal) else bound
    sorts = [next(sort for sort in (bool, str, object) if isinstance(each, sort)) for each in (value, bound)]
    return value is not None and sorts[0] is sorts[1] and bool(OPERATORS[how](value, bound))


def passes(test: Test, event: Event, memory: Memory) -> bool:
    """Whether an event passes one test of `where`."""
    return compare(read(test.field, event, memory), test.operator, test.bound)


def combine(node: Condition | Filter, leaf: Callable[[Any], bool]) -> bool:
    """The truth of what is combined of leaves by *and*, *or* and *not*."""
    match node:
        case Not(inner) | NotTest(inner):
            return not combine(inner, leaf)
        case AllOf(parts) | AllTests(parts):
            return all(combine(part, leaf) for part in parts)
        case AnyOf(parts) | AnyTest(parts):
            return any(combine(part, leaf) for part in parts)
    return leaf(node)


def passing(events: Events, memory: Memory) -> list[Event]:
    """The events of a set that pass its `where`."""

    def passes_all(row: Event) -> bool:
        where = events.filter
        return where is None or bool(combine(where, lambda test: passes(test, row, memory)))

    return list(filter(passes_all, happened(events.name, memory)))


def of_key(rows: list[Event], by: Field | None, key: Any, memory: Memory) -> list[Event]:
    """Those of these events whose field has this value; all of them if there is no field."""
    return [each for each in rows if by is None or read(by, each, memory) == key]


def selected(events: Events, now: int, memory: Memory, key: Any = None) -> list[Event]:
    """What a measure is taken of: of this key, later than the latest of `since`, and in the window."""
    rows = of_key(passing(events, memory), events.key, key, memory)
    resets = of_key(passing(events.reset, memory), events.reset.match, key, memory) if events.reset else []
    times = [each["occurred_at"] for each in resets if each["occurred_at"] <= now]
    after, window = max(times, default=NEVER), events.window or float("inf")
    return [each for each in rows if after < each["occurred_at"] <= now < each["occurred_at"] + window]


def known(measure: Measure, rows: list[Event], memory: Memory) -> list[Event]:
    """Those of these events of which a measure knows."""
    since = memory.known.get(measure_text(measure), NEVER) if memory.known else NEVER
    return [each for each in rows if each["occurred_at"] >= since]


def reckon(measure: Measure, rows: list[Event], now: int, memory: Memory) -> Any:
    """The value of a measure of these events, None if it has none."""
    if measure.name in DURATIONS:
        return now - rows[-1 if measure.name == "idle" else 0]["occurred_at"] if rows else None
    if measure.field is None:
        return len(rows)
    values = [value for each in rows if (value := read(measure.field, each, memory)) is not None]
    return OF_VALUES[measure.name](values) if values or measure.name in ("sum", "distinct") else None


def measured(leaf: Comparison, now: int, memory: Memory) -> tuple[Any, Any, bool]:
    """The key of `by`, the value and the truth of a comparison: for the smallest key that holds, if one does."""
    events, rows = leaf.measure.events, passing(leaf.measure.events, memory)
    now -= events.offset or 0
    keys = {None} if events.key is None else {read(events.key, each, memory) for each in rows} - {None}
    for key in sorted(keys) if events.key is not None else keys:
        rows = known(leaf.measure, selected(events, now, memory, key), memory)
        value = reckon(leaf.measure, rows, now, memory)
        true = compare(value, leaf.operator, leaf.bound)
        if events.key is None or (rows and true):
            return key, value, true
    return None, None, False


def truth(leaf: Any, now: int, memory: Memory, inside: Collection[str]) -> tuple[Any, Any, bool]:
    """The key, the value and the truth of a leaf of a rule, for one who is inside these segments."""
    profile = memory.profile or {"attributes": {}, "consents": {}}
    match leaf:
        case Comparison():
            return measured(leaf, now, memory)
        case ProfileComparison(name, how, bound):
            return None, (value := profile["attributes"].get(name)), compare(value, how, bound)
        case Consent(name):
            return None, profile["consents"].get(name), profile["consents"].get(name) is True
        case _:  # a segment
            return None, (member := is_member(leaf, now, memory, inside)), member


def holds(condition: Condition, now: int, memory: Memory, inside: Collection[str] = ()) -> bool:
    """Whether a condition is true at an instant, for one who was inside these segments until then."""
    return combine(condition, lambda leaf: truth(leaf, now, memory, inside)[2])


def is_member(segment: Segment, now: int, memory: Memory, inside: Collection[str]) -> bool:
    """Whether the customer is in a segment at an instant, having been inside these until then."""
    stays = (segment.until is not None and segment.id in inside) or holds(segment.when, now, memory, inside)
    return stays and not (segment.until is not None and holds(segment.until, now, memory, inside))
