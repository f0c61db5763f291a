"""The numbers of a rule, and the same rule with other numbers: what a trial in the console asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from segments.engine import RuleSet
from segments.language.checking.lint import refuse
from segments.language.errors import SegmentsError
from segments.language.loading.load import load
from segments.language.nodes.arithmetic import Calculated, is_duration
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import AllOf, AnyOf, Comparison, Condition, Not, ProfileComparison
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import UNITS, Duration
from segments.language.nodes.literals import number
from segments.language.nodes.order import require
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaf_text, leaves

LARGEST = Decimal(10) ** 15
"""Beyond it no measure goes: milliseconds of 30,000 years, or a thousand times a thousand billion."""


class NoNumber(SegmentsError):
    """What was given for a number of a rule is none."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given[:40]!r}: a number from 0 to a thousand billion was expected, such as 400 or 2.5"
        )


@dataclass(frozen=True, slots=True)
class RuleNumber:
    """A bound of a rule that is a number or a duration."""

    place: int
    """Of the leaf, among those of `when`, then `until`, as they are written."""
    leaf: str
    """What is measured, in the notation of rules, as evidence names it."""
    operator: str
    value: str
    """The number, in its unit."""
    unit: str
    """`days`, `hours` … of a duration; empty of a number."""


def numbers_of(segment: Segment) -> list[RuleNumber]:
    """The numbers of a rule, in the order of its conditions."""
    found = []
    for place, leaf in enumerate(_leaves(segment)):
        if (bound := _bound(leaf)) is None:
            continue
        operator = getattr(leaf, "operator", "")
        if isinstance(bound, Duration):
            unit, size = next(each for each in UNITS if bound.milliseconds % each[1] == 0)
            found.append(RuleNumber(place, leaf_text(leaf), operator, str(bound.milliseconds // size), unit))
        else:
            found.append(RuleNumber(place, leaf_text(leaf), operator, _plain(bound), ""))
    return found


def with_numbers(
    folders: Sequence[Path], name: str, given: Mapping[int, str], shop: tuple[str, str], required: str
) -> RuleSet:
    """The rules of these folders, those numbers of one of them replaced by others, by their places.

    `shop`: its currency and time zone.

    Raises:
        NoNumber: what was given is none.
        RuleError: the rule would be refused with these numbers, as by the linter.

    """
    segments = load(list(folders))
    segment = next(each for each in segments if each.id == name)
    units = {each.place: each.unit for each in numbers_of(segment)}
    found = _leaves(segment)
    bounds = {
        id(found[place]): _number(text, units[place]) for place, text in given.items() if place in units
    }
    when, until = segment.written
    segment.written = _replaced(when, bounds), None if until is None else _replaced(until, bounds)
    require(segments, required)
    refuse(segments)
    return RuleSet(segments, *shop)


def _leaves(segment: Segment) -> list[Condition]:
    when, until = segment.written
    return [*leaves(when), *leaves(until)]


def _bound(leaf: Condition) -> Duration | int | Decimal | None:
    bound: Any = None
    match leaf:
        case Comparison(measure, _, bound):
            if measure.kind.duration and isinstance(bound, int):
                return Duration(bound)
        case ProfileComparison(_, _, bound) | TodayComparison(_, _, bound):
            pass
        case DateComparison(bound=Duration() as bound):
            return bound
        case Calculated(left, _, bound):
            if is_duration(left):
                return bound if isinstance(bound, Duration) else None
    return bound if isinstance(bound, int | Decimal) and not isinstance(bound, bool) else None


def _plain(bound: int | Decimal) -> str:
    text = f"{bound:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(text: str, unit: str) -> Duration | int | Decimal:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        raise NoNumber(text) from None
    if not found.is_finite() or not 0 <= found <= LARGEST:
        raise NoNumber(text)
    if unit:
        return Duration(int(found * dict(UNITS)[unit]))
    return number(found, "the number")


def _replaced(condition: Condition, bounds: Mapping[int, Duration | int | Decimal]) -> Condition:
    match condition:
        case Not(inner):
            return Not(_replaced(inner, bounds))
        case AllOf(parts):
            return AllOf(tuple(_replaced(each, bounds) for each in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_replaced(each, bounds) for each in parts))
    bound = bounds.get(id(condition))
    if bound is None:
        return condition
    if isinstance(condition, Calculated):
        return replace(condition, right=bound)
    if isinstance(condition, DateComparison) and isinstance(bound, Duration):
        return replace(condition, bound=bound)
    plain = bound.milliseconds if isinstance(bound, Duration) else bound
    assert isinstance(condition, Comparison | ProfileComparison | TodayComparison)
    return replace(condition, bound=plain)
