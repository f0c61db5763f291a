"""Rules at random, as an author might write them: every event set, filter, measure and combinator of the language.

The domains are small so that events collide: two products, two channels, a handful of amounts.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from segments.language import Segment, any_event, any_of, consent, entered, event, left, not_, profile, split
from segments.language.catalogue import CLICKSTREAM, ON_SITE_EVENTS, EventSet, Type, fields_of
from segments.language.catalogue import SETS as NAMED
from segments.language.checking.lint import may_be
from segments.language.measures import MEASURES, Argument
from segments.language.nodes.conditions import Comparison, Condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field, Filter
from segments.language.nodes.measures import Measure
from tests.properties.picking import Pick, one_in, several
from tests.properties.records import DAY, HOUR, MINUTE
from tests.properties.valued import at_values, in_stages, one_of

SETS = (
    *CLICKSTREAM.kinds,
    "wish",
    *(name for name in NAMED if name not in (*CLICKSTREAM.kinds, ON_SITE_EVENTS.name)),
)
"""All event sets that a condition can read, and one of the shop's own."""
WITH_MONEY = {name for name, events in NAMED.items() if Type.MONEY in fields_of(events).values()}
USUAL = ("page_view", "visit", "purchase", "any_event", "purchase.items", "product_view", "cart_add")
WINDOWS = (HOUR, DAY, 2 * HOUR, 2 * DAY, 30 * MINUTE, 36 * HOUR)
OPERATORS = (">=", "<", "==", ">", "<=", "!=")
NAMES = tuple(MEASURES)
STEPS = ("within", "since", "by", "same", "where", "ago", "after", "chain")
HELD_BACK = ("for_at_least", "at_most_every")
VALUED = ("for_each", "stages")
SHAPES = ("plain", "any_of", "not_", "until", "segment", "flips", *VALUED, *HELD_BACK)
TELLING = ("product_id", "category", "channel", "attributes", "amount", "price", "quantity", "total")
"""The fields in which events differ most."""
TEXTS: dict[str, tuple[str, ...]] = {
    "kind": ("page_view", "purchase", "product_view"),
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
    "weekday": ("thursday", "friday", "saturday"),
    "value": ("shoes", "hats"),
}
"""What text fields hold, so that what one rule asks for another event has; any other holds one of `OTHER_TEXTS`."""
OTHER_TEXTS = ("t1", "t2")
AMOUNTS: tuple[int | Decimal, ...] = (100, 50, 0, Decimal("99.99"), 150, Decimal("149.99"))
PROFILE: dict[str, tuple[str | float | bool, ...]] = {
    "country": ("NL", "BE"),
    "age": (31.0, 0.5),
    "vip": (True, False),
}
IDS = ("bee", "ant", "cat")
SPANS = (Duration(HOUR), Duration(DAY), Duration(20 * MINUTE), Duration(2 * DAY))


Aim = tuple[str, str]
"""A measure of the first rule, and what befalls it: one of `STEPS`, `SHAPES`, or what a story is about."""
NO_AIM = ("", "")


def rule_set(pick: Pick, until: bool = True, aim: Aim = NO_AIM) -> list[Segment]:
    """One to three segments, each of which may read those before it; ids are in another order than reading.

    `until`: with what the order of arrival matters to.
    """
    names, segments = list(IDS), list[Segment]()
    for _ in range(pick((2, 3) if aim[1] in ("segment", "flips") else (2, 1, 3))):
        name = pick(names)
        names.remove(name)
        others = tuple(segments)
        when = condition(pick, others) if others else focused(pick, *aim)
        if aim[1] == "segment" and len(others) == 1:
            when = any_of(when, one_of(pick, others[0]))
        if others and until and (one_in(pick, 6) or aim[1] == "flips"):
            when = any_of(when, of_flips(pick, others)) if one_in(pick, 2) else of_flips(pick, others)
        ends = until and (aim[1] == "until" if aim[1] in SHAPES and not others else one_in(pick, 4))
        back = {aim[1]} if aim[1] in HELD_BACK and not others else set[str]()
        back |= {each for each in HELD_BACK if one_in(pick, 6)}
        made = valued(pick, name, when, aim, back if not ends else set()) if until and not others else None
        if made is None:
            made = segment(pick, name, when, others, ends, back if until else set())
        segments.append(made)
    return segments


def valued(pick: Pick, name: str, when: Condition, aim: Aim, back: set[str]) -> Segment | None:
    """A segment with values made of a condition, if that is the aim, and now and then if it can be."""
    if aim[1] == "stages" or one_in(pick, 10):
        other = condition(pick, ())
        made = [other, when] if one_in(pick, 3) else [when, other]
        return in_stages(pick, name, [*made, *several(pick, 1, lambda: condition(pick, ()))], known(pick))
    if aim[1] == "for_each" or one_in(pick, 2):
        ends = condition(pick, ()) if one_in(pick, 4) else None
        return at_values(pick, name, when, ends, {each: pick(SPANS) for each in HELD_BACK if each in back})
    return None


def focused(pick: Pick, measure: str = "", aim: str = "") -> Condition:
    """Each measure with each thing that can be done to it, as often as any other."""
    step = "within" if aim == "plain" else aim if aim in STEPS else pick(STEPS)
    leaf = comparison(pick, measure or pick(NAMES), "by" if aim == "for_each" else step)
    shape = aim if aim in SHAPES else pick(("alone", "any_of", "not_", "alone", "alone"))
    if shape not in ("any_of", "not_"):
        return leaf
    either: Condition = any_of(condition(pick, ()), leaf)
    return not_(leaf) if shape == "not_" else either


def segment(
    pick: Pick, name: str, when: Condition, others: tuple[Segment, ...], until: bool, back: set[str]
) -> Segment:
    """A segment that is empty of strangers; `until`: with an exit of its own; `back`: what holds customers back."""
    ends = condition(pick, others) if until and "for_at_least" not in back else None
    return sound(pick, name, when, ends, {each: pick(SPANS) for each in HELD_BACK if each in back})


def sound(
    pick: Pick, name: str, when: Condition, ends: Condition | None, back: dict[str, Duration] | None = None
) -> Segment:
    """A segment that is empty of strangers."""
    back, told = back or {}, details(pick)
    if ends is None:
        when = [when, known(pick)] if may_be(True, when) else when
        return Segment(id=name, when=when, details=told, **back)
    if may_be(False, ends):
        ends = any_of(ends, any_event.within(days=1).count() == 0) if may_be(True, ends) else not_(ends)
    return Segment(id=name, when=when, until=ends, details=told, **back)


def details(pick: Pick) -> dict[str, Measure]:
    """What an enter carries, if anything: measures of any kind, and values of a field."""
    if not one_in(pick, 4):
        return {}
    told = {"what": comparison(pick, step=pick(("within", "since", "where", "ago", "after"))).measure}
    events = narrowed(pick, event_set(pick(USUAL)), {each for each in ("where", "since") if one_in(pick, 3)})
    return told | {"values": events.values(field(pick, events.source))}


def known(pick: Pick) -> Condition:
    """A condition that makes a customer known."""
    if one_in(pick, 3):
        return of_profile(pick)
    least: Condition = any_event.within(days=pick((1, 2))).count() >= 1
    return least


def condition(pick: Pick, others: tuple[Segment, ...], depth: int = 2) -> Condition:
    """A leaf, or a few conditions combined."""
    shape = pick(
        ["leaf"] * 7 + (["any_of", "not_", "list", "any_of", "not_", "list", "other"] if depth else [])
    )
    if shape == "leaf":
        return calculation(pick) if one_in(pick, 6) else comparison(pick)
    if shape == "other":
        if others and one_in(pick, 2):
            return one_of(pick, pick(others))
        return of_split(pick) if one_in(pick, 4) else of_profile(pick)
    if shape == "not_":
        return not_(condition(pick, others, depth - 1))
    parts = [condition(pick, others, depth - 1) for _ in range(2)]
    if others and one_in(pick, 2):
        parts[0] = one_of(pick, pick(others))
    return any_of(*parts) if shape == "any_of" else Segment(id="unused", when=parts).when


def of_flips(pick: Pick, others: tuple[Segment, ...]) -> Condition:
    """A measure of the enters or exits of another segment, or of what came after them, or since."""
    events = pick((entered, left))(pick(others))
    shape = pick(("plain", "after", "before", "since", "where"))
    if shape == "after":
        events = event_set(pick(USUAL)).after(events, minutes=pick(WINDOWS) // MINUTE)
    elif shape == "before":
        events = events.after(event_set(pick(USUAL)), minutes=pick(WINDOWS) // MINUTE)
    elif shape == "since":
        events = event_set(pick(USUAL)).since(events)
    elif shape == "where":
        events = events.where(where(pick, events.source))
    events = events.within(minutes=pick(WINDOWS) // MINUTE)
    if one_in(pick, 2):
        return duration(pick, pick((events.idle, events.age)))
    return bounded(pick, events.count())


def of_split(pick: Pick) -> Condition:
    """A share of the customers: the few of a story are in some of these, and not in others."""
    return split(pick(("winter", "spring")), percent=pick((50, (25, 75), 75, (50, 100))))


def of_profile(pick: Pick) -> Condition:
    """A consent, or an attribute of the profile, now and then compared with another type."""
    if one_in(pick, 2):
        return consent(pick(("marketing", "sms")))
    if one_in(pick, 6):
        return profile("interests").has(pick(("travel", "food")))
    name = pick(("country", "age", "vip"))
    bounds = (*PROFILE[name], *PROFILE[name], 31, "31", Decimal("0.5"))
    if one_in(pick, 5):
        return profile(name).is_in(pick(bounds), pick(bounds))
    found: Condition = compared(profile(name), pick(OPERATORS), pick(bounds))
    return found


def compared(subject: Any, how: str, bound: Any) -> Any:
    """`subject how bound`, as it is written in a rule."""
    named = {"==": "__eq__", "!=": "__ne__", ">=": "__ge__", ">": "__gt__", "<=": "__le__", "<": "__lt__"}
    return getattr(subject, named[how])(bound)


def event_set(name: str) -> Events:
    """`page_view`, `purchase.items`, or an event of the shop's own."""
    return event(name) if name == "wish" else Events(NAMED[name])


def comparison(pick: Pick, name: str = "", step: str = "") -> Comparison:
    """One measure against a bound, of a set narrowed in any way, or in this way only."""
    name = name or pick(NAMES)
    number = MEASURES[name].argument is Argument.NUMBER
    sets = [each for each in USUAL * 3 + SETS if not number or each in WITH_MONEY]
    steps = {step} if step else {each for each in STEPS if one_in(pick, 3)}
    events = narrowed(pick, event_set(pick(sets)), steps)
    if MEASURES[name].duration:
        return duration(pick, getattr(events, name))
    return bounded(
        pick, Measure(events, MEASURES[name], None if name == "count" else field(pick, events.source, number))
    )


def calculation(pick: Pick) -> Condition:
    """Measures added, subtracted, multiplied, divided and compared with each other; two with `by` have one field."""
    if one_in(pick, 3):
        events = narrowed(pick, event_set(pick(USUAL)), {each for each in STEPS if one_in(pick, 4)})
        gap = pick((1, 2, Decimal("0.5"), Decimal("1.5"))) * events.gap
        found: Condition = compared(getattr(events, pick(("idle", "age", "gap"))), pick(OPERATORS), gap)
        return found
    money = one_in(pick, 2)
    keyed = {"by"} if one_in(pick, 2) else set[str]()

    def part() -> Any:
        name = pick(("purchase", "refund") if money else USUAL)
        events = narrowed(
            pick, event_set(name), {each for each in ("where", "since", "ago") if one_in(pick, 4)}
        )
        if keyed and one_in(pick, 2):
            events = replace(events, key=Events(events.source).channel)
        if money:
            return getattr(events, pick(("sum", "mean", "max")))(Events(events.source).amount)
        return events.count() if one_in(pick, 2) else events.distinct(Events(events.source).channel)

    left = pick((1, 2, Decimal("0.5"))) * part() + part() if one_in(pick, 2) else part() - part()
    right = part() if one_in(pick, 2) else pick(AMOUNTS if money else (2, 1, 0))
    if one_in(pick, 3):
        left, right = part() / part(), pick((1, Decimal("0.5"), Decimal("0.8")))
    made: Condition = compared(left, pick(OPERATORS), right)
    return made


def narrowed(pick: Pick, events: Events, steps: set[str]) -> Events:
    """`where`, `by`, `since`, `ago` if wanted, and a window."""
    if "where" in steps:
        events = events.where(*several(pick, 2, lambda: where(pick, events.source), least=1))
    key = field(pick, events.source) if steps & {"by", "same"} else None
    if steps & {"after", "chain"}:
        events = events.after(before(pick, key, "chain" in steps), minutes=pick(WINDOWS) // MINUTE)
    if key is not None:
        events = events.by(key)
    if steps & {"since", "same"}:
        events = events.since(reset(pick, events.key, "same" in steps))
    events = events.within(minutes=pick(WINDOWS) // MINUTE)
    return events.ago(minutes=pick(WINDOWS) // MINUTE) if "ago" in steps else events


def before(pick: Pick, key: Field | None, chain: bool) -> Events:
    """The events of `after`: filtered or not, of the same value or not, perhaps after others."""
    events = reset(pick, key, not one_in(pick, 3))
    if not chain:
        return events
    return events.after(before(pick, key, chain=False), minutes=pick(WINDOWS) // MINUTE)


def reset(pick: Pick, key: Field | None, always: bool) -> Events:
    """The events of `since`: filtered or not, of the same value or not."""
    events = event_set(pick(USUAL * 2 + SETS))
    if one_in(pick, 3):
        events = events.where(where(pick, events.source))
    same = [] if key is None else [each for each in fields_held(events.source) if each.type is key.type]
    alike = [each for each in same if key is not None and each.name == key.name] or same
    return events.same(pick(alike)) if alike and always else events


def fields_held(events: EventSet) -> list[Field]:
    """All fields of an event set, one key of the map of attributes among them."""
    held = [getattr(Events(events), each) for each in fields_of(events)]
    if events.attributes:
        attributes = Events(events).attributes
        held += [attributes["campaign"], attributes["score"].number]
    return held


def field(pick: Pick, events: EventSet, number: bool = False) -> Field:
    """A field of an event set; `number`: one that can be added up."""
    held = [each for each in fields_held(events) if not number or each.type is not Type.TEXT]
    return pick([each for each in held if each.name in TELLING] * 4 + held)


def texts(name: str) -> tuple[str, ...]:
    """What a text field may hold."""
    return TEXTS.get(name, OTHER_TEXTS)


def value(pick: Pick, of: Field) -> str | int | Decimal:
    """A value that the field may well have, seldom one of another type."""
    if one_in(pick, 24):
        return "a" if one_in(pick, 2) else 1
    if of.type is Type.TEXT:
        return pick(texts(of.name))
    if of.type is Type.NUMBER:
        return pick((7, Decimal("7.5"), 0, Decimal("-0.000001")))
    return pick(AMOUNTS) if of.type is Type.MONEY else pick((1, 2, 0, 3))


def where(pick: Pick, events: EventSet, depth: int = 1) -> Filter:
    """A test of `where`."""
    shape = pick(["test"] * 4 + ["is_in"] + ["not_", "any_of"] * depth)
    if shape == "not_":
        return not_(where(pick, events, depth - 1))
    if shape == "any_of":
        parts: Filter = any_of(where(pick, events, depth - 1), where(pick, events, depth - 1))
        return parts
    of = field(pick, events)
    if shape == "is_in":
        return of.is_in(*several(pick, 2, lambda: value(pick, of), least=1))
    found: Filter = compared(of, pick(OPERATORS), value(pick, of))
    return found


def duration(pick: Pick, measure: Measure) -> Comparison:
    """`idle` or `age` against what its window can reach."""
    window = measure.events.window or 0
    bound = pick((window // 2 // MINUTE * MINUTE, MINUTE, window - MINUTE, 0))
    found: Comparison = compared(measure, pick(OPERATORS), Duration(bound))
    return found


def bounded(pick: Pick, measure: Measure) -> Comparison:
    """A measure of values against a bound near to what it comes to."""
    if measure.kind.counts:
        bounds: tuple[Any, ...] = (2, 1, 3, 0)
    elif measure.kind.argument is Argument.NUMBER and measure.type is Type.MONEY:
        bounds = (*AMOUNTS, *AMOUNTS, 200, Decimal(75), Decimal("83.333333"))
    elif measure.kind.argument is Argument.NUMBER:
        bounds = (2, 1, 3, 0, 4, Decimal("1.5"))
    else:
        assert measure.field is not None
        bounds = (value(pick, measure.field), value(pick, measure.field))
    how = pick((">=", *OPERATORS, "is_in"))
    bound = pick(bounds)
    found: Comparison = (
        measure.is_in(bound, pick(bounds)) if how == "is_in" else compared(measure, how, bound)
    )
    return found
