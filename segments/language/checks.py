"""What one leaf of a rule may not ask for: of an event set, of a field, of a duration."""

import difflib
from collections.abc import Iterator
from decimal import Decimal

from segments.language.conditions import Comparison, Condition
from segments.language.durations import Duration
from segments.language.errors import Origin
from segments.language.events import CLICK_KINDS, TRANSACTION_KINDS, Events, fields_of
from segments.language.fields import AllTests, AnyTest, Field, Filter, NotTest, Test, Type
from segments.language.measures import DURATIONS, Measure
from segments.language.text import measure_text, span_text

KINDS = (*CLICK_KINDS, *TRANSACTION_KINDS, "purchase.items", "refund.items", "any_event", "visit")

Fault = tuple[Origin, str, str, bool]
"""Where, what is wrong, what to write instead, and whether the worker refuses it."""


def check_leaf(leaf: Condition) -> Iterator[Fault]:
    """What is wrong with one leaf of a rule."""
    if not isinstance(leaf, Comparison):
        return
    measure, origin = leaf.measure, leaf.origin
    for events in (measure.events, measure.events.reset):
        if events is not None:
            yield from _check_events(events, origin)
    yield from _check_same(measure.events, origin)
    if measure.field is not None:
        yield from _check_field(measure.field, measure.events, origin)
    yield from _check_window(leaf)
    yield from _check_types(measure_text(measure), _measured(measure), leaf.bound, origin)


def _check_events(events: Events, origin: Origin) -> Iterator[Fault]:
    """Its kind is known, and its filter and key are fields of its own."""
    if events.name not in KINDS and not events.name.startswith('event("'):
        yield (
            origin,
            f"{events.name} is no set of events.",
            f"There are: {', '.join(KINDS)}, event(...).",
            True,
        )
        return
    own = events.name.removeprefix('event("').removesuffix('")')
    near = difflib.get_close_matches(own, CLICK_KINDS, n=1, cutoff=0.85) if own != events.name else []
    if near:
        yield (
            origin,
            f"{events.name} is a kind of the shop's own, much like {near[0]}.",
            f"Write {near[0]}.",
            False,
        )
    for test in _tests(events.filter):
        yield from _check_field(test.field, events, test.origin)
        yield from _check_types(str(test.field), test.field.type, test.bound, test.origin)
    for field in (events.key, events.match):
        if field is not None:
            yield from _check_field(field, events, origin)


def _check_field(field: Field, events: Events, origin: Origin) -> Iterator[Fault]:
    if field.events != events.name:
        mend = f"Write {events.name}.{field.name}, if it has that field."
        yield origin, f"{field} is a field of {field.events}, used for {events.name}.", mend, True
    elif field.name not in fields_of(events.name) and field.key is None:
        yield (
            origin,
            f"{events.name} has no field {field.name}.",
            f"There are: {', '.join(fields_of(events.name))}.",
            True,
        )


def _check_same(events: Events, origin: Origin) -> Iterator[Fault]:
    if events.match is not None:
        mend = f"Write {events.name}.by(...).since(events.same({events.match}))."
        yield origin, f"{events.name}.same({events.match}) stands outside of since.", mend, True
    if events.reset is None or events.reset.match is None:
        return
    if events.key is None:
        mend = f"Write {events.name}.by(field).since({events.reset.name}.same({events.reset.match}))."
        yield origin, f"same({events.reset.match}) has no by to be the same as.", mend, True
    elif events.key.type is not events.reset.match.type:
        problem = f"{events.key} is {events.key.type.value}, {events.reset.match} is {events.reset.match.type.value}."
        yield origin, f"{problem} They are never the same.", "Compare fields of one type.", True


def _check_window(leaf: Comparison) -> Iterator[Fault]:
    """There is a window, and the duration asked for can come before its end."""
    measure, window = leaf.measure, leaf.measure.events.window
    text = measure_text(measure)
    if window is None:
        mend = f"Say how far back it looks: {_windowed(measure)}."
        yield leaf.origin, f"{text} has no within: it would be remembered for ever.", mend, True
    elif measure.name in DURATIONS and isinstance(leaf.bound, int):
        beyond = leaf.bound + (leaf.operator in (">", "<="))
        if beyond >= window:
            problem = f"{measure.name} {leaf.operator} {Duration(leaf.bound)} is beyond what .within({span_text(window)})"
            mend = f"Look further back than {Duration(leaf.bound)}, or ask for less."
            yield leaf.origin, f"{problem} sees: events leave it at {Duration(window)}.", mend, True


def _windowed(measure: Measure) -> str:
    call = (
        measure.name
        if measure.name in DURATIONS
        else f"{measure.name}({'' if measure.field is None else measure.field})"
    )
    return f".within(days=365).{call}"


def _check_types(subject: str, type_: Type, bound: object, origin: Origin) -> Iterator[Fault]:
    """A comparison of unlike types is false for ever, which nobody writes on purpose."""
    bounds = bound if isinstance(bound, tuple) else (bound,)
    if not bounds:
        yield origin, f"{subject}.is_in() of nothing is never true.", "Name the values.", False
    for each in bounds:
        if isinstance(each, Decimal) and not each.is_finite():
            yield origin, f"{subject} is compared with {each}.", "Write a number.", True
        elif isinstance(each, str) is not (type_ is Type.TEXT) or isinstance(each, bool):
            wanted = "a text" if type_ is Type.TEXT else "a number"
            yield (
                origin,
                f"{subject} is {type_.value}; compared with {each!r} it is never true.",
                f"Write {wanted}.",
                False,
            )


def _measured(measure: Measure) -> Type:
    return Type.WHOLE if measure.name in DURATIONS else measure.type


def _tests(test: Filter | None) -> Iterator[Test]:
    match test:
        case Test():
            yield test
        case NotTest(inner):
            yield from _tests(inner)
        case AnyTest(tests) | AllTests(tests):
            for each in tests:
                yield from _tests(each)
