"""Comparisons of one thing that can't hold together: `[count > 5, count < 3]`, two values of one field at once."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import combinations
from typing import Any

from segments.language.catalogue import Type
from segments.language.errors import Origin
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
from segments.language.nodes.fields import AllTests, AnyTest, Filter, NotTest, Test
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment
from segments.language.nodes.splits import Split
from segments.language.nodes.text import leaf_text

BoundTest = tuple[str, str, Any, bool, Origin]
"""What is compared, how and with what, whether it is a whole number, and where that stands."""
Contradictions = Iterator[tuple[Origin, str]]


def contradictions(condition: Condition | None) -> Contradictions:
    """What stands in one list, or in one `where`, and is never true together: where, and in words."""
    match condition:
        case AllOf(parts):
            together = list(_together(parts))
            yield from _of_leaves(together)
            for part in together:
                yield from contradictions(part)
        case AnyOf(parts):
            for part in parts:
                yield from contradictions(part)
        case Not(inner):
            yield from contradictions(inner)
        case Comparison(measure):
            for events in measure.events.sets:
                yield from _of_filter(events.filter)


def _together(parts: Iterable[Any], kind: Any = AllOf) -> Iterator[Any]:
    """The parts of a list, those of lists in it included."""
    for part in parts:
        if isinstance(part, kind):
            yield from _together(part.parts, kind)
        else:
            yield part


def _of_leaves(parts: list[Condition]) -> Contradictions:
    # With `by` two conditions may hold at two values.
    asked: list[BoundTest] = []
    for part in parts:
        match part:
            case Comparison(measure, operator, bound, origin) if _is_told(measure, bound):
                kind = measure.kind
                whole = kind.counts or kind.duration or (measure.type is Type.WHOLE and not kind.fraction)
                asked.append((leaf_text(part), operator, bound, whole, origin))
            case TodayComparison(_, operator, bound, origin):
                asked.append((leaf_text(part), operator, bound, part.type is not Type.TEXT, origin))
            case DateComparison(_, _, operator, Duration(bound), origin):
                asked.append((leaf_text(part), operator, bound, True, origin))
            case ProfileComparison(_, operator, bound, origin):
                asked.append((leaf_text(part), operator, bound, False, origin))
    yield from _impossible(asked)
    yield from _disjoint([part for part in parts if isinstance(part, Split)])
    given = {leaf_text(part) for part in parts if isinstance(part, Consent | HasValue | Segment | Split)}
    for part in parts:
        if isinstance(part, Not) and isinstance(part.condition, Consent | HasValue | Segment | Split):
            name = leaf_text(part.condition)
            if name in given:
                yield part.condition.origin, f"{name} and not_({name})"


def _disjoint(splits: list[Split]) -> Contradictions:
    """Shares of one name that have nobody in common."""
    for first, second in combinations(splits, 2):
        if first.name == second.name and max(first.start, second.start) >= min(first.end, second.end):
            yield second.origin, f"{leaf_text(first)} and {leaf_text(second)}"
            return


def _is_told(measure: Measure, bound: object) -> bool:
    """Whether what a comparison says of a customer is one number against another that the rule tells."""
    return measure.events.key is None and not isinstance(bound, Top)


def _of_filter(test: Filter | None) -> Contradictions:
    match test:
        case AllTests(tests):
            together = list(_together(tests, AllTests))
            yield from _impossible(
                (str(each.field), each.operator, each.bound, each.field.type is Type.WHOLE, each.origin)
                for each in together
                if isinstance(each, Test)
            )
            for part in together:
                yield from _of_filter(part)
        case AnyTest(tests):
            for part in tests:
                yield from _of_filter(part)
        case NotTest(inner):
            yield from _of_filter(inner)


def _impossible(asked: Iterable[BoundTest]) -> Contradictions:
    """Of the comparisons of each thing, the first that no value fulfils beside those before it."""
    held: dict[str, list[BoundTest]] = {}
    for each in asked:
        before = held.setdefault(each[0], [])
        clash = next((other for other in before if not _compatible(other, each)), None)
        if clash is None and before and not _all_compatible([*before, each]):
            clash = before[-1]
        if clash is not None:
            yield each[4], f"{_text(clash)} and {_text(each)}"
            return
        before.append(each)


def _compatible(one: BoundTest, other: BoundTest) -> bool:
    return _all_compatible([one, other])


def _all_compatible(asked: list[BoundTest]) -> bool:
    """Whether some value fulfils them all; only what is sure is called impossible."""
    exact = [each for each in asked if each[1] in ("==", "is_in")]
    if exact:
        values = exact[0][2] if isinstance(exact[0][2], tuple) else (exact[0][2],)
        return any(all(_fulfils(value, how, bound) for _, how, bound, _, _ in asked) for value in values)
    return _room(asked)


def _fulfils(value: Any, how: str, bound: Any) -> bool:
    if how == "is_in":
        return any(_fulfils(value, "==", each) for each in (bound if isinstance(bound, tuple) else (bound,)))
    if _family(value) is not _family(bound):
        return False
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        ">=": lambda a, b: a >= b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        "<": lambda a, b: a < b,
    }
    return bool(compare[how](value, bound))


def _room(asked: list[BoundTest]) -> bool:
    """Whether there is room between the lower bounds and the upper ones; bounds of unlike types leave none."""
    bounds = [(how, bound) for _, how, bound, _, _ in asked if how != "!="]
    if len({_family(bound) for _, bound in bounds}) > 1:
        return False
    lower = max((_edge(bound, how == ">") for how, bound in bounds if how in (">", ">=")), default=None)
    upper = min((_edge(bound, how == "<=") for how, bound in bounds if how in ("<", "<=")), default=None)
    if lower is None or upper is None:
        return True
    if not all(each[3] for each in asked) or isinstance(lower[0], str):
        return lower < upper
    first = lower[0] // 1 + (1 if lower[0] % 1 or lower[1] else 0)
    return (first, 0) < upper


def _edge(bound: Any, after: bool) -> tuple[Any, int]:
    """A place on the line of values: at a bound, or just after it."""
    return bound, int(after)


def _family(value: Any) -> type:
    return bool if isinstance(value, bool) else str if isinstance(value, str) else Decimal


def _text(asked: BoundTest) -> str:
    subject, how, bound, _, _ = asked
    shown = f'"{bound}"' if isinstance(bound, str) else bound
    return f"{subject}.is_in{shown}" if how == "is_in" else f"{subject} {how} {shown}"
