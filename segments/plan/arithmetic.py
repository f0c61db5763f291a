"""Calculations with measures as the plan writes them, and how a value is told."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from segments.language.catalogue import Type
from segments.language.nodes.arithmetic import Product, Quotient, Sum, Term, power_of_money
from segments.language.nodes.durations import Duration
from segments.language.nodes.measures import Measure
from segments.plan import ir

KINDS: Mapping[Type, ir.FieldKind] = {
    Type.TEXT: "text",
    Type.WHOLE: "number",
    Type.MONEY: "money",
    Type.NUMBER: "decimal",
}


def term(given: object, numbers: Iterator[int]) -> ir.Term:
    """A calculated value; `numbers` counts its measures in source order."""
    match given:
        case Sum(left, sign, right):
            return ir.Sum(term(left, numbers), sign == "-", term(right, numbers))
        case Product(factor, of):
            return ir.Product(str(Fraction(factor)), term(of, numbers))
        case Quotient(left, right):
            return ir.Quotient(term(left, numbers), term(right, numbers))
        case Measure():
            return ir.Part(next(numbers))
        case Duration(milliseconds):
            return ir.Constant(str(milliseconds))
        case int() | Decimal():
            return ir.Constant(str(Fraction(given)))
    raise TypeError(given)


def kind_of(measure: Measure) -> ir.Kind:
    """How the value of a measure is told."""
    if measure.kind.duration:
        return "duration"
    if measure.kind.fraction:
        return "mean"
    return "number" if measure.kind.counts else KINDS[measure.type]


def side_kind(side: Term) -> ir.Kind:
    """How the value of a side is told: sums, differences and whole multiples of counts or of money are exact."""
    if isinstance(side, Measure):
        return kind_of(side)
    money = power_of_money(side) == 1
    if not _whole(side, 100 if money else 1):
        return "mean"
    return "money" if money else "number"


def _whole(side: object, units: int) -> bool:
    """Whether a value is made of whole units alone."""
    match side:
        case Measure(kind=kind):
            return not kind.fraction and side.type is not Type.NUMBER
        case Sum(left, _, right):
            return _whole(left, units) and _whole(right, units)
        case Product(factor, of):
            return Fraction(factor).denominator == 1 and _whole(of, units)
        case int() | Decimal():
            return (Fraction(side) * units).denominator == 1
    return False
