"""The numbers of a rule, and the same rule with other numbers: what a trial in the console asks for.

Both are read from the plan, so that what is deployed can be tried where no file of it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction

import msgspec

from segments.engine import PlannedRules, RuleSet
from segments.insight.planned import operator_of
from segments.language.errors import SegmentsError
from segments.language.nodes.borders import WHOLE
from segments.language.nodes.durations import UNITS
from segments.plan import ir
from segments.plan.borders import BorderKey
from segments.plan.bounds import profile_bounds

LARGEST = Decimal(10) ** 15
"""Beyond it no measure goes: milliseconds of 30,000 years, or a thousand times a thousand billion."""
YEARS = "years"
"""The unit of a bound that counts years of the calendar."""
PERCENT = "percent"
"""The unit of a border: the share of the customers who have it or more."""


class NoNumber(SegmentsError):
    """What was given for a number of a rule is none."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given[:40]!r}: a number from 0 to a thousand billion was expected, such as 400 or 2.5"
        )


class NoPercentage(NoNumber):
    """What was given for the percentage of a border is none."""

    def __init__(self, given: str) -> None:
        SegmentsError.__init__(
            self,
            f"{given[:40]!r}: a percentage over 0 and under 100 with at most two decimals was expected, such as 2.5",
        )


@dataclass(frozen=True, slots=True)
class RuleNumber:
    """A bound of a rule that is a number, a duration, or the percentage of a border."""

    place: int
    """Of the leaf, in the order of the evidence."""
    leaf: str
    """What is measured, in the notation of rules, as evidence names it."""
    operator: str
    value: str
    """The number, in its unit."""
    unit: str
    """`days`, `hours` … of a duration, `years`, or `percent` of a border; empty of a number."""


def numbers_of(rules: RuleSet | PlannedRules, name: str) -> list[RuleNumber]:
    """The numbers of a rule of a rule set, in the order of its evidence."""
    plan, found = rules.data, []
    for place, number in enumerate(plan.rules[rules.ids.index(name)].leaves):
        leaf = plan.leaves[number]
        if (bound := _bound(leaf.asked, plan.borders)) is not None:
            value, unit = bound
            found.append(RuleNumber(place, leaf.measure, operator_of(leaf.asked), _plain(value), unit))
    return found


def borders_read(rules: RuleSet | PlannedRules, name: str) -> tuple[BorderKey, ...]:
    """The borders that a rule is compared with, and those of the rules that it reads, each once."""
    plan = rules.data
    rule = plan.rules[rules.ids.index(name)]
    numbers = (
        number for each in (rule, *(plan.rules[place] for place in rule.reads)) for number in each.leaves
    )
    asked = (each for number in numbers for each in ir.measured_in(plan.leaves[number].asked))
    return tuple(dict.fromkeys(plan.borders[each.border] for each in asked if each.border is not None))


def with_numbers(rules: RuleSet | PlannedRules, name: str, given: Mapping[int, str]) -> PlannedRules:
    """The same rules with the same borders, but for these numbers of one of them, by their places.

    Another percentage is another border, which nobody may have published. Raises NoNumber for a text that is no number.
    """
    plan, at = rules.data, rules.ids.index(name)
    units = {each.place: each.unit for each in numbers_of(rules, name)}
    rule, leaves, borders = plan.rules[at], list(plan.leaves), list(plan.borders)
    numbers = list(rule.leaves)
    for place, text in given.items():
        if place in units:
            # A leaf of its own: other rules may have the same one.
            leaf, bound = plan.leaves[rule.leaves[place]], _number(text, units[place])
            leaves.append(_varied(leaf, bound) if units[place] != PERCENT else _ranked(leaf, bound, borders))
            numbers[place] = len(leaves) - 1
    of_when = iter(numbers)
    when = _replaced(rule.when, of_when)
    until = None if rule.until is None else _replaced(rule.until, of_when)
    of_stages = iter(numbers)
    stages = tuple(
        msgspec.structs.replace(each, when=_replaced(each.when, of_stages)) for each in rule.stages
    )
    varied = msgspec.structs.replace(rule, when=when, until=until, stages=stages, leaves=tuple(numbers))
    every = tuple(varied if place == at else each for place, each in enumerate(plan.rules))
    other = msgspec.structs.replace(plan, leaves=tuple(leaves), rules=every, borders=tuple(borders))
    return PlannedRules(other.to_bytes(), rules.borders)


def _bound(asked: ir.Asked, borders: Sequence[BorderKey]) -> tuple[Fraction, str] | None:
    """A bound and its unit; None: it is no number."""
    match asked:
        case ir.Measured(border=int(border)):
            return Fraction(borders[border].percent), PERCENT
        case ir.Measured(comparison=ir.Comparison(numbers=(bound,))):
            if asked.kind == "duration":
                return _duration(Fraction(bound))
            return Fraction(bound) / asked.scale, ""
        case ir.Calculated(right=ir.Constant(bound), right_kind=None):
            return _duration(Fraction(bound)) if asked.left_kind == "duration" else (Fraction(bound), "")
        case ir.OfProfile(operator=operator, bounds=(ir.NumberBound(value, 0),)) if operator != "in":
            return Fraction(repr(value)), ""
        case ir.OfDate(bound=bound, years=years):
            return (Fraction(bound), YEARS) if years else _duration(Fraction(bound))
        case ir.Today(comparison=ir.Comparison(operator=operator, numbers=(bound,))) if operator != "in":
            return Fraction(bound), ""
    return None


def _duration(milliseconds: Fraction) -> tuple[Fraction, str]:
    """In the largest unit that is whole."""
    unit, size = next((each for each in UNITS if milliseconds % each[1] == 0), UNITS[-1])
    return milliseconds / size, unit


def _varied(leaf: ir.Leaf, bound: Fraction) -> ir.Leaf:
    """The same leaf with another bound; of a duration in milliseconds."""
    replace = msgspec.structs.replace
    asked, told = leaf.asked, _plain(bound)
    match asked:
        case ir.Measured():
            scaled = str(bound if asked.kind == "duration" else bound * asked.scale)
            asked = replace(asked, comparison=replace(asked.comparison, numbers=(scaled,)))
        case ir.Calculated():
            asked = replace(asked, right=ir.Constant(str(bound)))
        case ir.OfProfile():
            asked = replace(asked, bounds=profile_bounds(Decimal(told)))
        case ir.OfDate():
            asked = replace(asked, bound=int(bound))
            told = f"years({told})" if asked.years else told
        case ir.Today():
            asked = replace(asked, comparison=replace(asked.comparison, numbers=(str(bound),)))
    return ir.Leaf(leaf.measure, told, asked)


def _ranked(leaf: ir.Leaf, percent: Fraction, borders: list[BorderKey]) -> ir.Leaf:
    """The same leaf, compared with the border of another percentage, which is added to those of the plan."""
    asked = leaf.asked
    assert isinstance(asked, ir.Measured)
    assert asked.border is not None
    key = msgspec.structs.replace(borders[asked.border], percent=_plain(percent))
    if key not in borders:
        borders.append(key)
    return msgspec.structs.replace(leaf, asked=msgspec.structs.replace(asked, border=borders.index(key)))


def _plain(bound: Fraction) -> str:
    """A bound as a decimal; those of rules have an end."""
    text = f"{Decimal(bound.numerator) / bound.denominator:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(text: str, unit: str) -> Fraction:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        raise NoNumber(text) from None
    if unit == PERCENT:
        if not found.is_finite() or not 0 < found < WHOLE or found * 100 % 1:
            raise NoPercentage(text)
        return Fraction(found)
    if not found.is_finite() or not 0 <= found <= LARGEST:
        raise NoNumber(text)
    if unit == YEARS:
        return Fraction(int(found))
    return Fraction(int(found * dict(UNITS)[unit]) if unit else found)


def _replaced(condition: ir.Condition, numbers: Iterator[int]) -> ir.Condition:
    """The condition with these leaves in their order."""
    match condition:
        case ir.Not(inner):
            return ir.Not(_replaced(inner, numbers))
        case ir.All(parts):
            return ir.All(tuple(_replaced(each, numbers) for each in parts))
        case ir.AtLeastOne(parts):
            return ir.AtLeastOne(tuple(_replaced(each, numbers) for each in parts))
    return ir.IsLeaf(next(numbers))
