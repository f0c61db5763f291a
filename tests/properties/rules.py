"""Rules at random, as an author might write them: every event set, filter, measure and combinator of the language.

The domains are small so that events collide: two products, two channels, a handful of amounts.
"""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from segments.language import Segment, any_event, any_of, consent, days, event, hours, minutes, not_, profile
from segments.language.conditions import Comparison, Condition
from segments.language.durations import Duration
from segments.language.events import CLICK_KINDS, Events, fields_of
from segments.language.fields import Field, Filter, Type
from segments.language.measures import Measure
from segments.language.oracle import Memory, holds

from .records import DAY, HOUR, MINUTE

SETS = (*CLICK_KINDS, "wish", "purchase", "refund", "purchase.items", "refund.items", "any_event", "visit")
USUAL = ("page_view", "product_view", "cart_add", "purchase", "purchase.items", "any_event", "visit")
WINDOWS = (30 * MINUTE, HOUR, 2 * HOUR, DAY, 36 * HOUR, 2 * DAY)
OPERATORS = ("==", "!=", ">=", ">", "<=", "<")
MEASURES = ("count", "sum", "mean", "max", "min", "distinct", "idle", "age", "last")
TEXTS: dict[str, tuple[str, ...]] = {
    "kind": ("page_view", "product_view", "purchase"),
    "channel": ("app", "web"),
    "day": ("2026-01-01", "2026-01-02", "2026-01-03"),
    "session_id": ("s1", "s2"),
    "page": ("/", "/sale"),
    "product_id": ("a", "b"),
    "category": ("x", "y"),
    "order_id": ("o1", "o2"),
    "currency": ("EUR", "USD"),
    "attributes": ("c1", "c2"),
    "event_id": ("e1", "e2"),
}
AMOUNTS: tuple[int | Decimal, ...] = (0, 50, Decimal("99.99"), 100, Decimal("149.99"), 150)
PROFILE: dict[str, tuple[str | float | bool, ...]] = {
    "country": ("NL", "BE"),
    "age": (31.0, 0.5),
    "vip": (True, False),
}
IDS = ("bee", "ant", "cat")


@st.composite
def rule_sets(draw: st.DrawFn) -> list[Segment]:
    """One to three segments, each of which may read those before it; ids are in another order than reading."""
    names = draw(st.permutations(IDS))
    segments: list[Segment] = []
    for name in names[: draw(st.integers(1, 3))]:
        segments.append(draw(segments_reading(name, tuple(segments))))
    return segments


@st.composite
def segments_reading(draw: st.DrawFn, name: str, others: tuple[Segment, ...]) -> Segment:
    """A segment that is empty of strangers; one in four has an `until`."""
    when = draw(conditions(others))
    if draw(st.integers(0, 3)):
        return Segment(id=name, when=[when, draw(known())] if holds(when, 0, Memory()) else when)
    until = draw(conditions(others))
    return Segment(id=name, when=when, until=until if holds(until, 0, Memory()) else not_(until))


@st.composite
def known(draw: st.DrawFn) -> Condition:
    """A condition that makes a customer known."""
    if draw(st.booleans()):
        return draw(profiles())
    least: Condition = any_event.within(days=draw(st.integers(1, 2))).count() >= 1
    return least


@st.composite
def conditions(draw: st.DrawFn, others: tuple[Segment, ...], depth: int = 2) -> Condition:
    """A leaf, or a few conditions combined."""
    shape = draw(st.sampled_from(["leaf"] * 5 + ["any_of", "not_", "list", "profile"] * (depth > 0)))
    if shape == "leaf":
        return draw(comparisons())
    if shape == "profile":
        return draw(profiles() if not others else st.one_of(profiles(), st.sampled_from(others)))
    if shape == "not_":
        return not_(draw(conditions(others, depth - 1)))
    parts = [draw(conditions(others, depth - 1)) for _ in range(2)]
    if others and draw(st.booleans()):
        parts.append(draw(st.sampled_from(others)))
    return any_of(*parts) if shape == "any_of" else both(parts)


def both(parts: list[Condition]) -> Condition:
    """A list within a list, which means *and* there too."""
    return Segment(id="unused", when=parts).when


@st.composite
def profiles(draw: st.DrawFn) -> Condition:
    """A consent, or an attribute of the profile, now and then compared with another type."""
    if draw(st.booleans()):
        return consent(draw(st.sampled_from(["marketing", "sms"])))
    name = draw(st.sampled_from(sorted(PROFILE)))
    bounds = st.sampled_from((*PROFILE[name], 31, "31", Decimal("0.5")))
    if draw(st.integers(0, 4)) == 0:
        return profile(name).is_in(draw(bounds), draw(bounds))
    how = draw(st.sampled_from(OPERATORS))
    return compared(profile(name), how, draw(bounds))


def compared(subject: Any, how: str, bound: Any) -> Any:
    """`subject how bound`, as it is written in a rule."""
    named = {"==": "__eq__", "!=": "__ne__", ">=": "__ge__", ">": "__gt__", "<=": "__le__", "<": "__lt__"}
    return getattr(subject, named[how])(bound)


def event_set(name: str) -> Events:
    """`page_view`, `purchase.items`, or an event of the shop's own."""
    return event(name) if name == "wish" else Events(name)


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """One measure against a bound, of a set narrowed in any way."""
    measure = draw(st.sampled_from(MEASURES))
    number = measure in ("sum", "mean")
    sets = [name for name in SETS if not number or name.startswith(("purchase", "refund"))]
    usual = [name for name in USUAL if name in sets]
    events = draw(narrowed(event_set(draw(st.sampled_from(usual * 3 + sets)))))
    if measure in ("idle", "age"):
        return draw(durations(getattr(events, measure)))
    field = None if measure == "count" else draw(fields(events.name, number=number))
    return draw(bounded(Measure(events, measure, field)))


@st.composite
def narrowed(draw: st.DrawFn, events: Events) -> Events:
    """`where`, `by`, `since` each or not, and a window."""
    if draw(st.integers(0, 2)) == 0:
        events = events.where(*draw(st.lists(tests(events.name), min_size=1, max_size=2)))
    if draw(st.integers(0, 2)) == 0:
        events = events.by(draw(fields(events.name)))
    if draw(st.integers(0, 1)) == 0:
        events = events.since(draw(resets(events.key)))
    window = draw(st.sampled_from(WINDOWS))
    return events.within(minutes=window // MINUTE)


@st.composite
def resets(draw: st.DrawFn, key: Field | None) -> Events:
    """The events of `since`: filtered or not, of the same value or not."""
    events = event_set(draw(st.sampled_from(USUAL * 2 + SETS)))
    if draw(st.integers(0, 3)) == 0:
        events = events.where(draw(tests(events.name)))
    same = [] if key is None else [each for each in fields_held(events.name) if each.type is key.type]
    alike = [each for each in same if key is not None and each.name == key.name] or same
    return events.same(draw(st.sampled_from(alike))) if alike and draw(st.booleans()) else events


def fields_held(name: str) -> list[Field]:
    """All fields of an event set, one key of the map of attributes among them."""
    events = event_set(name.removeprefix('event("').removesuffix('")'))
    held = [getattr(events, each) for each in fields_of(events.name)]
    click = events.name not in ("any_event",) and not events.name.startswith(("purchase", "refund"))
    return [*held, events.attributes["campaign"]] if click else held


def fields(name: str, number: bool = False) -> st.SearchStrategy[Field]:
    """A field of an event set; `number`: one that can be added up."""
    held = [each for each in fields_held(name) if not number or each.type is not Type.TEXT]
    return st.sampled_from([each for each in held if each.name != "event_id"] * 3 + held)


@st.composite
def values(draw: st.DrawFn, field: Field) -> str | int | Decimal:
    """A value that the field may well have, seldom one of another type."""
    if draw(st.integers(0, 15)) == 0:
        return draw(st.sampled_from(["a", 1]))
    if field.type is Type.TEXT:
        return draw(st.sampled_from(TEXTS[field.name]))
    return draw(st.sampled_from(AMOUNTS if field.type is Type.MONEY else (0, 1, 2, 3)))


@st.composite
def tests(draw: st.DrawFn, name: str, depth: int = 1) -> Filter:
    """A test of `where`."""
    shape = draw(st.sampled_from(["test"] * 4 + ["is_in"] + ["not_", "any_of"] * (depth > 0)))
    if shape == "not_":
        return not_(draw(tests(name, depth - 1)))
    if shape == "any_of":
        parts: Filter = any_of(draw(tests(name, depth - 1)), draw(tests(name, depth - 1)))
        return parts
    field = draw(fields(name))
    if shape == "is_in":
        return field.is_in(*draw(st.lists(values(field), min_size=1, max_size=2)))
    how = draw(st.sampled_from(OPERATORS))
    test: Filter = compared(field, how, draw(values(field)))
    return test


@st.composite
def durations(draw: st.DrawFn, measure: Measure) -> Comparison:
    """`idle` or `age` against what its window can reach."""
    window = measure.events.window or 0
    bound = draw(st.sampled_from([0, MINUTE, window // 2 // MINUTE * MINUTE, window - MINUTE]))
    comparison: Comparison = compared(measure, draw(st.sampled_from(OPERATORS)), Duration(bound))
    return comparison


@st.composite
def bounded(draw: st.DrawFn, measure: Measure) -> Comparison:
    """A measure of values against a bound near to what it comes to."""
    if measure.name in ("count", "distinct"):
        bounds: st.SearchStrategy[Any] = st.integers(0, 3)
    elif measure.name in ("sum", "mean") and measure.type is Type.MONEY:
        bounds = st.sampled_from([*AMOUNTS, 200, Decimal("75"), Decimal("83.333333")])
    elif measure.name in ("sum", "mean"):
        bounds = st.sampled_from([0, 1, 2, 3, 4, Decimal("1.5")])
    else:
        bounds = values(measure.field)  # type: ignore[arg-type]
    how = draw(st.sampled_from(["is_in", *OPERATORS, ">=", ">="]))
    bound = draw(bounds)
    comparison: Comparison = measure.is_in(bound, draw(bounds)) if how == "is_in" else compared(measure, how, bound)
    return comparison


__all__ = ["DAY", "MEASURES", "TEXTS", "days", "hours", "minutes", "rule_sets"]
