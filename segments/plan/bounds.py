"""What a rule compares with, as the plan writes it: exact, and only if it is of the type of what is compared."""

import sys
from decimal import Decimal
from fractions import Fraction

from segments.language.catalogue import Type
from segments.language.nodes.literals import Value
from segments.plan import ir

SCALES = {Type.MONEY: 100, Type.NUMBER: 1_000_000}
"""How many make a unit: cents, and millionths of the number of an attribute; of other types 1."""


def comparison(operator: ir.Operator, bound: Value | tuple[Value, ...], kind: Type) -> ir.Comparison:
    """A comparison of a field or a measure; bounds of an unlike type are left out, since they are never met."""
    bounds = bound if isinstance(bound, tuple) else (bound,)
    if kind is Type.TEXT:
        return ir.Comparison(operator, tuple(each for each in bounds if isinstance(each, str)), ())
    found = [number(each, kind) for each in bounds if not isinstance(each, bool | str)]
    return ir.Comparison(operator, (), tuple(found))


def number(bound: int | Decimal, kind: Type) -> str:
    """A number as the plan writes it; money in cents, numbers of attributes in millionths."""
    return str(Fraction(bound) * SCALES.get(kind, 1))


def profile_bounds(bound: Value | tuple[Value, ...]) -> tuple[ir.Bound, ...]:
    """What an attribute of the profile is compared with: an attribute that is a number is a double."""
    return tuple(map(_profile_bound, bound if isinstance(bound, tuple) else (bound,)))


def _profile_bound(bound: Value) -> ir.Bound:
    match bound:
        case bool():
            return ir.BooleanBound(bound)
        case str():
            return ir.TextBound(bound)
    return _number_bound(bound)


def _number_bound(bound: int | Decimal) -> ir.NumberBound:
    """A number with the double that is nearest: a double means the decimal that it prints as, which may be another."""
    exact, largest = Decimal(bound), sys.float_info.max
    if abs(exact) > Decimal(largest):
        return ir.NumberBound(largest, 1) if exact > 0 else ir.NumberBound(-largest, -1)
    nearest = float(exact)
    told = Decimal(repr(nearest))
    return ir.NumberBound(nearest, 0 if exact == told else 1 if exact > told else -1)
