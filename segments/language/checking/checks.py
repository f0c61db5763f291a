"""What one leaf of a rule may not ask for: of an event set, of a field, of a duration."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from segments.language.catalogue import SETS, Type, fields_of
from segments.language.checking.calendar import check_calendar
from segments.language.checking.meaning import (
    Fault,
    check_measure,
    check_own_kind,
    check_profile,
    check_test,
)
from segments.language.errors import Origin
from segments.language.nodes.arithmetic import Calculated
from segments.language.nodes.borders import Top
from segments.language.nodes.conditions import Comparison, Condition, ProfileComparison
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import AllTests, AnyTest, Field, Filter, NotTest, Test
from segments.language.nodes.measures import Measure
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import events_text, literal, measure_text, measures_in, span_text


def check_leaf(leaf: Condition) -> Iterator[Fault]:
    """What is wrong with one leaf of a rule."""
    if isinstance(leaf, ProfileComparison):
        yield from check_profile(leaf)
    yield from check_calendar(leaf)
    origin: Origin | None = getattr(leaf, "origin", None)
    for measure in measures_in(leaf):
        yield from _check_measure(measure, cast("Origin", origin))
    if isinstance(leaf, Calculated):
        yield from _check_keys(leaf)
    if isinstance(leaf, Comparison):
        yield from _check_reach(leaf)
        text, field = measure_text(leaf.measure), leaf.measure.field
        yield from _check_types(text, _measured(leaf.measure), leaf.bound, leaf.origin, field)
        yield from check_measure(leaf, measure_text(leaf.measure))
        yield from _check_possible(leaf)
        if isinstance(leaf.measure, Predicted):
            yield from _check_model(leaf.measure, leaf.origin)


def _check_keys(leaf: Calculated) -> Iterator[Fault]:
    """Measures with `by` in one calculation are taken at one and the same value."""
    keys = [each.events.key for each in measures_in(leaf) if each.events.key is not None]
    unlike = [key for key in keys if key.type is not keys[0].type]
    if unlike:
        one, other = keys[0], unlike[0]
        problem = (
            f"by({one}) is {one.type.value}, by({other}) is {other.type.value}: they can't be one value, and all "
            "measures with by in one comparison are taken at one."
        )
        yield (
            leaf.origin,
            problem,
            "Take by of fields of one type, or compare each with a bound of its own.",
            True,
        )


def check_goal(segment: Segment) -> Iterator[Fault]:
    """What is wrong with the events of a goal."""
    if segment.aim.goal is not None:
        yield from _check_events(segment.aim.goal, segment.origin)


def check_details(segment: Segment) -> Iterator[Fault]:
    """What is wrong with the measures that an enter carries."""
    for name, measure in segment.details:
        yield from _check_measure(measure, segment.origin)
        if isinstance(measure, Predicted):
            yield from _check_model(measure, segment.origin)
        if measure.events.key is not None:
            problem = f'details: "{name}" has by({measure.events.key}), and an enter is into no value of it.'
            mend = "Leave by out, or write one segment for each value: Segment(for_each=...)."
            if segment.for_each is None:
                yield segment.origin, problem, mend, True


def _check_model(measure: Predicted, origin: Origin) -> Iterator[Fault]:
    """The set and the window are those that the model was fitted to."""
    events, of = measure.events, measure.of
    text = f'model("{of.known_as}")'
    narrowed = (events.key, events.reset, events.offset, events.match, events.follows, events.period)
    if any(each is not None for each in narrowed) or events.source.lines or events.source.visits:
        mend = "Write purchase, with where and within if you need them."
        yield origin, f"{measure_text(measure)}: a model is of a set with where and within alone.", mend, True
        return
    found = events_text(replace(events, window=None))
    if found != of.of:
        mend = f"Write {of.of}, or run `segments fit {of.name or 'NAME'} --of '{found}'`."
        yield origin, f"{text} was fitted to {of.of}, and is asked about {found}.", mend, True
    if of.within is not None and events.window is not None and events.window != of.within:
        mend = f"Write .within({span_text(of.within)}), or fit it with another --within."
        yield origin, f"{text} was fitted within {span_text(of.within)}.", mend, True


def _check_measure(measure: Measure, origin: Origin) -> Iterator[Fault]:
    """Its events, field and window, whatever it is compared with."""
    for events in measure.events.sets:
        yield from _check_events(events, origin)
    yield from _check_same(measure.events, origin)
    if measure.field is not None:
        yield from _check_field(measure.field, measure.events, origin)
    if measure.events.window is None:
        mend = f"Say how far back it looks: {_windowed(measure)}."
        text = measure_text(measure)
        yield origin, f"{text} has no within: it would be remembered for ever.", mend, True


def _check_events(events: Events, origin: Origin) -> Iterator[Fault]:
    """Its kind is known, and its filter and key are fields of its own."""
    known = events.source in SETS.values() or events.source.own_kind is not None
    if not known and not events.source.flip:
        yield (
            origin,
            f"{events.name} is no set of events.",
            f"There are: {', '.join(SETS)}, event(...).",
            True,
        )
        return
    yield from check_own_kind(events, origin)
    for test in _tests(events.filter):
        yield from _check_field(test.field, events, test.origin)
        yield from _check_types(str(test.field), test.field.type, test.bound, test.origin, test.field)
        yield from check_test(test, events)
    for field in (events.key, events.match):
        if field is not None:
            yield from _check_field(field, events, origin)


def _check_field(field: Field, events: Events, origin: Origin) -> Iterator[Fault]:
    if field.events != events.source:
        mend = f"Write {events.name}.{field.name}, if it has that field."
        yield origin, f"{field} is a field of {field.events}, used for {events.name}.", mend, True
    elif field.key is None and field.name not in fields_of(events.source):
        yield (
            origin,
            f"{events.name} has no field {field.name}.",
            f"There are: {', '.join(fields_of(events.source))}.",
            True,
        )


def _check_same(events: Events, origin: Origin) -> Iterator[Fault]:
    if events.match is not None:
        mend = (
            "Write, say, .by(product_view.product_id).since(purchase.items.same(purchase.items.product_id))."
        )
        yield origin, f"{events.name}.same({events.match}) stands outside of since and after.", mend, True
    for other in events.sets[1:]:
        match, key = other.match, events.key
        if match is None:
            continue
        if key is None:
            mend = f"Write {events.name}.by(field).since({other.name}.same({match}))."
            if other is not events.reset:
                mend = f"Write {events.name}.after({other.name}.same({match}), days=30).by(field)."
            yield origin, f"same({match}) has no by to be the same as.", mend, True
        elif key.type is not match.type:
            problem = f"{key} is {key.type.value}, {match} is {match.type.value}: they are never the same."
            yield origin, problem, "Compare fields of one type.", True


def _check_reach(leaf: Comparison) -> Iterator[Fault]:
    """The duration asked for can come before the end of the window."""
    measure, window = leaf.measure, leaf.measure.events.window
    if window is not None and measure.kind.duration and isinstance(leaf.bound, int):
        beyond = leaf.bound + (leaf.operator in (">", "<="))
        if beyond >= window:
            asked = f"{measure.name} {leaf.operator} {Duration(leaf.bound)}"
            looked_back, left = _looked_back(measure.events), _what_ends(measure.events)
            problem = f"{asked} is out of reach of {looked_back}: events leave {left} before."
            mend = f"Look further back than {Duration(leaf.bound)}, or ask for less."
            yield leaf.origin, problem, mend, True


def _what_ends(events: Events) -> str:
    return "it" if events.period is not None else "the window"


def _looked_back(events: Events) -> str:
    if events.period is not None:
        return f".during({literal(events.period.name)})"
    return f".within({span_text(events.window or 0)})"


def _check_possible(leaf: Comparison) -> Iterator[Fault]:
    """A count is never below nought, and for a value of `by` there is at least the event that has it."""
    measure, bound = leaf.measure, leaf.bound
    least = int(measure.name == "count" and measure.events.key is not None)
    if not measure.kind.counts or isinstance(bound, bool | str | tuple | Top):
        return
    if (leaf.operator in ("==", "<=") and bound < least) or (leaf.operator == "<" and bound <= least):
        text = f"{measure_text(measure)} {leaf.operator} {bound} is never true"
        if least:
            mend = "Leave by out, or write not_(...) around the opposite."
            yield leaf.origin, f"{text}: only values that have events are looked at.", mend, False
        else:
            yield leaf.origin, f"{text}: a count is never negative.", "Compare it with 0 or more.", False


def _windowed(measure: Measure) -> str:
    call = (
        measure.name
        if measure.kind.duration
        else f"{measure.name}({'' if measure.field is None else measure.field})"
    )
    return f".within(days=365).{call}"


def _check_types(
    subject: str, type_: Type, bound: object, origin: Origin, field: Field | None
) -> Iterator[Fault]:
    """A comparison of unlike types is false for ever, which nobody writes on purpose."""
    bounds = bound if isinstance(bound, tuple) else (bound,)
    if isinstance(bound, Top):
        return
    if not bounds:
        yield origin, f"{subject}.is_in() of nothing is never true.", "Name the values.", False
    for each in bounds:
        if isinstance(each, str) is not (type_ is Type.TEXT) or isinstance(each, bool):
            wanted = "a text" if type_ is Type.TEXT else "a number"
            if type_ is Type.TEXT and field is not None and field.key is not None:
                wanted = f"a text, or {field}.number to compare it with a number"
            yield (
                origin,
                f"{subject} is {type_.value}; compared with {each!r} it is never true.",
                f"Write {wanted}.",
                False,
            )


def _measured(measure: Measure) -> Type:
    return Type.WHOLE if measure.kind.duration else measure.type


def _tests(test: Filter | None) -> Iterator[Test]:
    match test:
        case Test():
            yield test
        case NotTest(inner):
            yield from _tests(inner)
        case AnyTest(tests) | AllTests(tests):
            for each in tests:
                yield from _tests(each)
