"""The oracle: whether a condition holds at an instant, sentence by sentence from SEMANTICS.md, section 1.

Quadratic, and obviously right: nothing is kept but what happened (`memory.py`), and every question is answered from all
of it. The engine is judged by this file and by `life.py`, which says what flips when; they share with it the nodes of
the language, the definitions of the measures, their texts, and nothing else.
"""

import itertools
from collections.abc import Callable, Collection
from decimal import Decimal
from fractions import Fraction
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any

from segments.language.catalogue import Type
from segments.language.nodes.arithmetic import Calculated, Product, Quotient, Sum, measures_of
from segments.language.nodes.borders import Top
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Consent,
    HasValue,
    Not,
    ProfileComparison,
)
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import AllTests, AnyTest, Field, Filter, NotTest
from segments.language.nodes.measures import Measure
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.splits import Split
from segments.language.nodes.text import borders_in, leaves, measure_text, measures_in, plain
from segments.language.truth.calendar import counts, now_shows, told
from segments.language.truth.drawn import bucket
from segments.language.truth.foretold import foretold
from segments.language.truth.memory import NEVER, Event, Memory, happened, read

Inside = Collection[tuple[str, str | None]]
"""The segments that a customer is in, each with the value; None: it has none."""
OPERATORS = {"==": eq, "!=": ne, ">=": ge, ">": gt, "<=": le, "<": lt}


def compare(value: Any, how: str, bound: Any) -> bool:
    """Text with text, number with number, boolean with boolean; anything else, and nothing, is false.

    A double of a profile means the decimal that it prints as: 0.1 is Decimal("0.1").
    """
    if how == "is_in":
        return any(compare(value, "==", each) for each in bound)
    value = Decimal(repr(value)) if isinstance(value, float) else value
    sorts = [next(sort for sort in (bool, str, object) if isinstance(each, sort)) for each in (value, bound)]
    return value is not None and sorts[0] is sorts[1] and bool(OPERATORS[how](value, bound))


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


def passing(events: Events, memory: Memory, by: Field | None, key: Any, known: float = NEVER) -> list[Event]:
    """The events of a set that pass its `where`, and have this key in the field of `by` or `same`, if there is one."""

    def passes(row: Event) -> bool:
        test = lambda each: compare(read(each.field, row, memory), each.operator, each.bound)  # noqa: E731
        return events.filter is None or bool(combine(events.filter, test))

    rows = filter(passes, happened(events.source, memory))
    found = [row for row in rows if by is None or read(by, row, memory) == key]
    return found if events.follows is None else followers(events, found, memory, key, known)


def followers(events: Events, rows: list[Event], memory: Memory, key: Any, known: float) -> list[Event]:
    """The events that came after one of those of `after`, by less than its length."""
    before: Any = events.follows
    first = [each["occurred_at"] for each in passing(before, memory, before.match, key, known)]
    times, span = [at for at in first if at >= known], events.span or 0
    return [row for row in rows if any(at < row["occurred_at"] < at + span for at in times)]


def selected(measure: Measure, now: int, memory: Memory, key: Any) -> list[Event]:
    """What a measure is taken of: later than the latest of `since`, in the window, and no earlier than it knows."""
    events, reset = measure.events, measure.events.reset
    resets = passing(reset, memory, reset.match, key) if reset else []
    after = max((each["occurred_at"] for each in resets if each["occurred_at"] <= now), default=NEVER)
    known = memory.known.get(measure_text(measure), NEVER) if memory.known else NEVER
    after = max(after, known - 1)
    rows, window = passing(events, memory, events.key, key, known), events.window or float("inf")
    rows = [each for each in rows if after < each["occurred_at"] <= now]
    if events.period is not None:
        return [each for each in rows if counts(events.period, memory.zone, each["occurred_at"], now)]
    return [each for each in rows if now < each["occurred_at"] + window]


def reckon(measure: Measure, rows: list[Event], now: int, memory: Memory) -> Any:
    """The value of a measure of these events, None if it has none."""
    if isinstance(measure, Predicted):
        return foretold(measure, rows, now, memory)
    values = [] if measure.field is None else [read(measure.field, each, memory) for each in rows]
    there = [each for each in values if each is not None]
    return measure.kind.value([each["occurred_at"] for each in rows], there, now)


def bound_of(leaf: Comparison, memory: Memory) -> Any:
    """What a comparison compares with: of a border what was published, None if nothing was."""
    if isinstance(leaf.bound, Top):
        return memory.borders.get(f"{measure_text(leaf.measure)} {leaf.bound}")
    return leaf.bound


def is_published(segment: Segment, memory: Memory) -> bool:
    """Whether every border that a rule reads was published: it is false otherwise."""
    return None not in [bound_of(leaf, memory) for leaf in borders_in(segment.when, segment.until)]


def measured(leaf: Comparison, now: int, memory: Memory, at: Any = None) -> tuple[Any, Any, bool]:
    """The key of `by`, the value and the truth of a comparison: for the smallest key that holds, if one does.

    `at`: for this key alone, as if `where(field == key)` stood in its place.
    """
    events = leaf.measure.events
    then, by = now - (events.offset or 0), events.key
    keys: list[Any] = [None if by is None else at]
    if by is not None and at is None:
        keys = sorted({read(by, each, memory) for each in happened(events.source, memory)} - {None})
    for key in keys:
        rows = selected(leaf.measure, then, memory, key)
        value = reckon(leaf.measure, rows, then, memory)
        bound = bound_of(leaf, memory)
        true = bound is not None and compare(value, leaf.operator, bound)
        if by is None or at is not None or (rows and true):
            return key, value, true
    return None, None, False


def worth(term: Any, now: int, memory: Memory, key: Any) -> Fraction | None:
    """The value of a calculation, at one value of `by`; None if a part has none, or if it is divided by zero."""
    match term:
        case Measure(events=events):
            then = now - (events.offset or 0)
            value = reckon(term, selected(term, then, memory, key), then, memory)
            return None if value is None else Fraction(value)
        case Sum() | Product() | Quotient():
            parts = [worth(part, now, memory, key) for part in term.parts]
            if None in parts or (isinstance(term, Quotient) and parts[1] == 0):
                return None
            return CALCULATED[term.sign if isinstance(term, Sum) else type(term)](*parts)
        case Duration(milliseconds):
            return Fraction(milliseconds)
    return Fraction(term)


CALCULATED: dict[Any, Callable[[Any, Any], Fraction]] = {"+": add, "-": sub, Product: mul, Quotient: truediv}


def calculated(leaf: Calculated, now: int, memory: Memory, at: Any = None) -> tuple[Any, Any, bool]:
    """The key of `by`, the two sides and the truth of a calculation: for the smallest key that holds, if one does.

    `at`: for this key alone.
    """
    keyed = [each for each in measures_of(leaf) if each.events.key is not None]
    keys: list[Any] = (
        [None] if not keyed else sorted({key for each in keyed for key in met(each, now, memory)})
    )
    keys = keys if not keyed or at is None else [at]
    for key in keys:
        left, right = (worth(side, now, memory, key) for side in (leaf.left, leaf.right))
        true = left is not None and right is not None and OPERATORS[leaf.operator](left, right)
        if not keyed or at is not None or true:
            return key, (left, right), true
    return None, (None, None), False


def met(measure: Measure, now: int, memory: Memory) -> set[Any]:
    """The values of `by` of the events that a measure selects."""
    by: Any = measure.events.key
    then = now - (measure.events.offset or 0)
    every = {read(by, each, memory) for each in happened(measure.events.source, memory)} - {None}
    return {key for key in every if selected(measure, then, memory, key)}


def truth(leaf: Any, now: int, memory: Memory, inside: Inside, at: Any = None) -> tuple[Any, Any, bool]:
    """The key, the value and the truth of a leaf of a rule, for one who is inside these segments.

    `at`: the key at which every measure with `by` is taken.
    """
    profile = memory.profile or {"attributes": {}, "consents": {}, "lists": {}}
    match leaf:
        case Comparison():
            return measured(leaf, now, memory, at)
        case Calculated():
            return calculated(leaf, now, memory, at)
        case ProfileComparison(name, how, bound):
            return None, (value := profile["attributes"].get(name)), compare(value, how, bound)
        case TodayComparison(part, how, bound):
            return None, (value := now_shows(part, memory.zone, now)), compare(value, how, bound)
        case DateComparison(operator=how):
            value, bound = told(leaf, now, memory)
            return None, value, compare(value, how, bound)
        case HasValue(name, value):
            held = profile.get("lists", {}).get(name)
            return None, (listed := None if held is None else value in held), listed is True
        case Consent(name):
            return None, profile["consents"].get(name), profile["consents"].get(name) is True
        case Split(name, start, end):
            return None, (drawn := start <= bucket(name, memory.customer) < end), drawn
        case ValueOf(segment, value):
            return None, (member := value in values(segment, now, memory, inside)), member
        case _:  # a segment
            return None, (member := bool(values(leaf, now, memory, inside))), member


def holds(condition: Condition, now: int, memory: Memory, inside: Inside = (), at: Any = None) -> bool:
    """Whether a condition is true at an instant, for one who was inside these segments until then."""
    return combine(condition, lambda leaf: truth(leaf, now, memory, inside, at)[2])


def values(segment: Segment, now: int, memory: Memory, inside: Inside) -> set[str | None]:
    """The values at which the customer is in a segment at an instant, having been inside these until then.

    Of a segment without values None is the only one.
    """
    if not is_published(segment, memory):
        return set()
    if segment.stages:
        stages = (name for name, when in segment.stages if holds(when, now, memory, inside))
        return set(itertools.islice(stages, 1))
    if segment.for_each is None:
        return {None} if is_member(segment, now, memory, inside) else set()
    was = {value for name, value in inside if name == segment.id}
    found = {
        value
        for value in looked_at(segment, now, memory, inside)
        if is_member(segment, now, memory, inside, value)
    }
    stays = found & was
    fresh = sorted(found - was, key=lambda value: str(value).encode())
    return stays | set(fresh[: MOST_VALUES - len(stays)])


MOST_VALUES = 100
"""The largest number of values of one segment in which a customer is at once."""


def looked_at(segment: Segment, now: int, memory: Memory, inside: Inside) -> set[str | None]:
    """The values of the events that some measure with `by` selects, and those that the customer is in."""
    found: set[str | None] = {value for name, value in inside if name == segment.id and value is not None}
    for leaf in leaves(segment.when) + leaves(segment.until):
        for measure in measures_in(leaf):
            if measure.events.key is not None:
                found |= {plain(key) for key in met(measure, now, memory)}
    return found


def key_of(segment: Segment, value: str | None) -> Any:
    """A value as the fields of `by` have it."""
    if value is None or segment.for_each is None or segment.for_each.type is Type.TEXT:
        return value
    return int(value) if segment.for_each.type is Type.WHOLE else Decimal(value)


def is_member(segment: Segment, now: int, memory: Memory, inside: Inside, value: str | None = None) -> bool:
    """Whether the customer is in a segment (at one of its values), having been inside these until then."""
    at, was = key_of(segment, value), (segment.id, value) in inside
    stays = (segment.until is not None and was) or holds(segment.when, now, memory, inside, at)
    stays = stays and (was or now >= ready(segment, now, memory, value))
    return stays and not (segment.until is not None and holds(segment.until, now, memory, inside, at))


def ready(segment: Segment, now: int, memory: Memory, value: str | None = None) -> float:
    """The instant before which the customer is held back, as it stands now."""
    lasts = memory.begun.get((segment.id, value), now) + segment.for_at_least
    return max(lasts, memory.entered.get((segment.id, value), NEVER) + segment.at_most_every)
