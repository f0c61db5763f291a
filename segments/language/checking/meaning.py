"""What is well formed and not what its author means: texts compared by size, weekdays for dates, kinds of others."""

import difflib
import re
from collections.abc import Iterator
from datetime import date

from segments.language.catalogue import EVENT_TOPICS, VISIT, WEEKDAYS, Type
from segments.language.errors import Origin
from segments.language.nodes.conditions import Comparison, ProfileComparison
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field, Test
from segments.language.nodes.literals import shown
from segments.language.nodes.measures import Measure

Fault = tuple[Origin, str, str, bool]
"""Where, what is wrong, what to write instead, and whether the worker refuses it."""

ORDERS = (">=", ">", "<=", "<")
NAMED_KINDS = tuple(kind for topic in EVENT_TOPICS for kind in topic.kinds)
_DATE = re.compile(r"\d{4}-\d\d(-\d\d([T ].*)?)?")
"""A month, a date, or a date and time: in the order of time they are in the order of texts too."""


def check_test(test: Test, events: Events) -> Iterator[Fault]:
    """What a test within `where` can't mean."""
    yield from _check_order(str(test.field), test.field, test.operator, test.bound, test.origin)
    yield from _check_day(test.field, test.bound, test.origin)
    yield from _check_calendar(test.field, test.bound, test.origin)
    if test.field.name == "kind":
        yield from _check_kind(test, events)


def check_measure(leaf: Comparison, text: str) -> Iterator[Fault]:
    """What a comparison of a measure can't mean."""
    measure: Measure = leaf.measure
    if measure.field is None:
        return
    if measure.kind.picks:
        yield from _check_order(text, measure.field, leaf.operator, leaf.bound, leaf.origin)
        yield from _check_day(measure.field, leaf.bound, leaf.origin)
        yield from _check_calendar(measure.field, leaf.bound, leaf.origin)
    if measure.name == "sum" and measure.field.name == "price":
        problem = f"{text} adds up prices, each once: a line of three articles counts the price of one."
        lines = measure.events.name
        mend = f"Write sum({lines}.total), which is price × quantity, or where({lines}.quantity == 1)."
        yield leaf.origin, problem, mend, False


def check_profile(leaf: ProfileComparison) -> Iterator[Fault]:
    """What a comparison of the profile can't mean."""
    subject = f'profile("{leaf.name}")'
    yield from _check_order(subject, None, leaf.operator, leaf.bound, leaf.origin)
    if leaf.bound == ():
        yield leaf.origin, f"{subject}.is_in() of nothing is never true.", "Name the values.", False


def check_own_kind(events: Events, origin: Origin) -> Iterator[Fault]:
    """A kind of the shop's own that is written nearly as one that the language knows."""
    own = events.source.own_kind
    near = None if own is None else nearest_kind(own)
    if near is not None:
        problem = f"{events.name} is a kind of the shop's own, much like {near}."
        yield origin, problem, f"Write {near}.", False


def nearest_kind(own: str) -> str | None:
    """The kind that is meant by `Page_View`, `page-view`, `cart_adds`; None if it is like none of them."""
    plain = {_plain(kind): kind for kind in (*NAMED_KINDS, VISIT.name)}
    near = difflib.get_close_matches(_plain(own), plain, n=1, cutoff=0.85)
    return plain[near[0]] if near else None


def _plain(kind: str) -> str:
    return re.sub(r"[^a-z0-9]", "", kind.lower())


def _check_order(
    subject: str, field: Field | None, operator: str, bound: object, origin: Origin
) -> Iterator[Fault]:
    """Texts are compared letter by letter, which is right for dates alone."""
    if operator not in ORDERS or not isinstance(bound, str) or _DATE.fullmatch(bound):
        return
    if field is not None and (field.type is not Type.TEXT or field.name == "day"):
        return
    problem = f'{subject} {operator} {_text(bound)} compares texts letter by letter: "10" comes before "6".'
    mend = "List the texts that are meant: .is_in(...)."
    if field is None:
        mend = "Send it as a number and compare it with a number, or list the texts: .is_in(...)."
    elif field.key is not None:
        mend = f"Compare {field}.number with a number, or list the texts that are meant: .is_in(...)."
    yield origin, problem, mend, True


def _check_day(field: Field, bound: object, origin: Origin) -> Iterator[Fault]:
    if field.name != "day" or field.key is not None:
        return
    for each in bound if isinstance(bound, tuple) else (bound,):
        if isinstance(each, str) and not _is_date(each):
            problem = f'{field} is a date such as "2026-11-24"; {_text(each)} is none.'
            yield origin, problem, "Write the dates that are meant.", False


def _check_calendar(field: Field, bound: object, origin: Origin) -> Iterator[Fault]:
    """Weekdays have names; hours are 0 to 23, months 1 to 12."""
    if field.key is not None or field.name not in ("weekday", "hour", "month"):
        return
    known = {"weekday": WEEKDAYS, "hour": range(24), "month": range(1, 13)}[field.name]
    for each in bound if isinstance(bound, tuple) else (bound,):
        if isinstance(each, str) is (field.name == "weekday") and each not in known:
            shown_as = _text(each) if isinstance(each, str) else each
            problem = f"{field} is one of {', '.join(map(str, known))}; {shown_as} is none of them."
            yield origin, problem, f"Write one of those, say {known[1]!r}.".replace("'", '"'), False


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_kind(test: Test, events: Events) -> Iterator[Fault]:
    """A set has events of some kinds only."""
    kinds = events.source.kinds
    for each in test.bound if isinstance(test.bound, tuple) else (test.bound,):
        if not isinstance(each, str):
            continue
        if kinds is None:
            near = nearest_kind(each)
            if near not in (None, VISIT.name, each):
                yield test.origin, f"{_text(each)} is much like the kind {near}.", f'Write "{near}".', False
        elif each not in kinds:
            said = f"{events.name} has only events of kind {', '.join(kinds)}; {_text(each)} is none of them."
            mend = f"Use {each} itself." if each in NAMED_KINDS else "Use any_event."
            yield test.origin, said, mend, False


def _text(value: str) -> str:
    return f'"{shown(value)[1:-1]}"'
