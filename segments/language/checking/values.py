"""Whether the values of a segment make sense: `for_each` with `by`, and stages that can be reached."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from math import inf
from typing import Any, cast

from segments.language.nodes.arithmetic import Calculated, Product, Quotient, Sum
from segments.language.nodes.borders import Top
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.conditions import AllOf, AnyOf, Comparison, Condition, Not, ProfileComparison
from segments.language.nodes.dates import DateComparison, Years
from segments.language.nodes.durations import Duration
from segments.language.nodes.fields import Field
from segments.language.nodes.literals import shown
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment
from segments.language.nodes.splits import Split
from segments.language.nodes.text import condition_text, leaf_text, leaves, measures_in

Range = tuple[Fraction | float, Fraction | float]
"""Between which numbers a value lies, both included."""
EITHER = frozenset({True, False})
ANY: Range = (-inf, inf)


def check_values(segment: Segment) -> Iterator[tuple[str, str]]:
    """A problem, and its mend, if a rule can't be asked at the values of its field."""
    field = segment.for_each
    if field is None:
        return
    keys = {str(key): key for key in _keys(segment)}
    if not keys:
        problem = f"for_each={field}: no measure has by, so that no event tells a value."
        yield problem, f"Write .by({field}) in when, or leave for_each out."
        return
    told = [each.events.key for _, each in segment.details if each.events.key is not None]
    unlike = [key for key in (*keys.values(), *told) if key.type is not field.type]
    if unlike:
        problem = (
            f"for_each={field} is {field.type.value}, by({unlike[0]}) is {unlike[0].type.value}: "
            "they can't be one value."
        )
        yield problem, f"Take by of fields that are {field.type.value}."
    elif str(field) not in keys:
        problem = f"for_each={field}: by is of {', '.join(keys)}."
        yield problem, f"Write for_each={next(iter(keys))}, or .by({field}) in one of them."
    elif True in of_no_value(_entering(segment)):
        problem = (
            "The rule is true at a value of which nothing is remembered: nobody could ever leave it there."
        )
        mend = (
            f"Ask of each value for something to have happened, say .by({field}).within(days=7).count() >= 1."
        )
        yield problem, mend


def check_stages(segment: Segment) -> Iterator[tuple[str, str]]:
    """A problem, and its mend, for each stage that is never reached: an earlier one holds whenever it does."""
    for place, (name, condition) in enumerate(segment.stages):
        before = next((other for other, held in segment.stages[:place] if implies(condition, held)), None)
        if before is not None:
            problem = (
                f"Stage {shown(name)} is never reached: {shown(before)}, which stands before it, holds too."
            )
            yield problem, "Write the stage that asks for more first."


def either(_leaf: Condition) -> frozenset[bool]:
    """Anything."""
    return EITHER


def of_no_value(
    condition: Condition, others: Callable[[Condition], frozenset[bool]] = either
) -> frozenset[bool]:
    """What a condition may be at a value of which nothing is remembered; `others`: what a leaf without `by` may be."""
    match condition:
        case Not(inner):
            return frozenset(not each for each in of_no_value(inner, others))
        case AllOf(parts) | AnyOf(parts):
            ends = isinstance(condition, AnyOf)
            found = [of_no_value(part, others) for part in parts]
            decided = any(ends in each for each in found)
            open_ = all((not ends) in each for each in found)
            return frozenset({ends} if decided else ()) | frozenset({not ends} if open_ else ())
        case Comparison(measure, operator, bound) if measure.events.key is not None:
            if measure.kind.of_nothing != 0 or isinstance(bound, bool | str):
                return frozenset({False})
            bounds = bound if isinstance(bound, tuple) else (bound,)
            numbers = [each for each in bounds if isinstance(each, int | Decimal)]
            return frozenset(
                {any(_compared("==" if operator == "is_in" else operator, 0, each) for each in numbers)}
            )
        case Calculated(left, operator, right) if any(
            each.events.key is not None for each in measures_in(condition)
        ):
            one, other = _range(left), _range(right)
            return frozenset({False}) if one is None or other is None else _may(operator, one, other)
    return others(condition)


def implies(condition: Condition, other: Condition) -> bool:
    """Whether the other condition holds whenever the first does, as far as their texts tell."""
    if isinstance(other, AllOf):
        return all(implies(condition, part) for part in other.parts)
    if condition_text(condition) == condition_text(other):
        return True
    if isinstance(condition, AllOf) and any(implies(part, other) for part in condition.parts):
        return True
    if isinstance(condition, AnyOf) and all(implies(part, other) for part in condition.parts):
        return True
    if isinstance(other, AnyOf):
        return any(implies(condition, part) for part in other.parts)
    return _narrower(condition, other)


def _keys(segment: Segment) -> Iterator[Field]:
    for leaf in leaves(segment.when) + leaves(segment.until):
        for measure in measures_in(leaf):
            if measure.events.key is not None:
                yield measure.events.key


def _entering(segment: Segment) -> Condition:
    """What lets a customer in."""
    return segment.when if segment.until is None else AllOf((segment.when, Not(segment.until)))


def _range(term: object) -> Range | None:
    """Where a calculation lies at a value of which nothing is remembered; None: it has no value."""
    match term:
        case int() | Decimal():
            return Fraction(term), Fraction(term)
        case Duration(milliseconds):
            return Fraction(milliseconds), Fraction(milliseconds)
        case Measure(events=events, kind=kind):
            if events.key is not None:
                return (Fraction(0), Fraction(0)) if kind.of_nothing == 0 else None
            return (Fraction(0), inf) if kind.counts or kind.duration else ANY
    parts = [_range(part) for part in cast("Sum | Product | Quotient", term).parts]
    left, right = parts
    if left is None or right is None:
        return None
    match term:
        case Sum(_, "+", _):
            return left[0] + right[0], left[1] + right[1]
        case Sum():
            return left[0] - right[1], left[1] - right[0]
        case Product(factor):
            scaled = sorted(_times(Fraction(factor), end) for end in right)
            return scaled[0], scaled[1]
    if right == (0, 0):
        return None
    return left if left == (0, 0) else ((Fraction(0), inf) if min(left[0], right[0]) >= 0 else ANY)


def _times(factor: Fraction, end: Fraction | float) -> Fraction | float:
    return Fraction(0) if factor == 0 else factor * end


def _may(operator: str, one: Range, other: Range) -> frozenset[bool]:
    """What the comparison of two numbers in these ranges may come to."""
    low, high = one[0] - other[1], one[1] - other[0]
    if operator in ("==", "!="):
        meets, apart = low <= 0 <= high, not low == high == 0
        equal = frozenset({True} if meets else ()) | frozenset({False} if apart else ())
        return equal if operator == "==" else frozenset(not each for each in equal)
    return frozenset({_compared(operator, low, 0), _compared(operator, high, 0)})


def _compared(operator: str, left: object, right: object) -> bool:
    one, other = cast("Fraction", left), cast("Fraction", right)
    found = {
        "==": one == other,
        "!=": one != other,
        ">=": one >= other,
        ">": one > other,
        "<=": one <= other,
        "<": one < other,
    }
    return found[operator]


def _narrower(condition: Condition, other: Condition) -> bool:
    """Whether a comparison of the same thing, or a share of the same draw, is at least as strict."""
    if isinstance(condition, Split) and isinstance(other, Split):
        inside = other.start <= condition.start and condition.end <= other.end
        return condition.name == other.name and inside
    one, two = _compares(condition), _compares(other)
    if one is None or two is None or one[0] != two[0]:
        return False
    if two[1] in ("==", "is_in"):
        return one[1] in ("==", "is_in") and set(map(repr, one[2])) <= set(map(repr, two[2]))
    numbers = [each for each in (*one[2], *two[2]) if not isinstance(each, bool | str)]
    if len(numbers) < len(one[2]) + len(two[2]):
        return False
    how, right = two[1], two[2][0]
    lefts = [cast("Decimal", each) for each in one[2]]
    if how in (">=", ">"):
        strict = one[1] == ">" or how == ">="
        return one[1] in (">=", ">", "==", "is_in") and all(
            each > right or (strict and each == right) for each in lefts
        )
    if how in ("<=", "<"):
        strict = one[1] == "<" or how == "<="
        return one[1] in ("<=", "<", "==", "is_in") and all(
            each < right or (strict and each == right) for each in lefts
        )
    return False


def _compares(condition: Condition) -> tuple[str, str, tuple[Any, ...]] | None:
    """What is compared, how, and with which values; None: it is no comparison with values."""
    match condition:
        case Comparison(operator=operator, bound=bound) if not isinstance(bound, Top):
            found: Any = bound
        case (
            ProfileComparison(operator=operator, bound=bound)
            | TodayComparison(operator=operator, bound=bound)
        ):
            found = bound
        case Calculated(operator=operator, right=Duration(milliseconds)):
            found = milliseconds
        case Calculated(operator=operator, right=int() | Decimal() as number):
            found = number
        case DateComparison(operator=operator, bound=Duration(milliseconds)):
            found = milliseconds
        case DateComparison(operator=operator, bound=Years(count)):
            return f"{leaf_text(condition)} in years", operator, (count,)
        case _:
            return None
    return leaf_text(condition), operator, found if isinstance(found, tuple) else (found,)
