"""The two sides of a calculation, for the oracle: how each is told, and when time alone makes them cross."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from segments.language.catalogue import Type
from segments.language.nodes.arithmetic import Calculated, Product, Sum, measures_of, power_of_money
from segments.language.nodes.measures import Measure
from segments.language.nodes.text import plain
from segments.language.truth.foretold import passing_of_bound
from segments.language.truth.memory import Memory
from segments.language.truth.oracle import bound_of, met, reckon, selected, worth


def side_text(term: Any, value: Fraction, key: Any, now: int, memory: Memory) -> str:
    """Counts as whole numbers, money with two decimals, all else rounded half-even to six; one measure as it is."""
    if isinstance(term, Measure) and not term.kind.fraction:
        then = now - (term.events.offset or 0)
        return plain(reckon(term, selected(term, then, memory, key), then, memory))
    money = power_of_money(term) == 1
    digits = (2 if money else 0) if _exact(term, 100 if money else 1) else 6
    return plain(Decimal(round(value * 10**digits)).scaleb(-digits))


def _exact(term: Any, units: int) -> bool:
    """Whether a side is made of counts, or of amounts of money, by sums, differences and whole multiples."""
    match term:
        case Measure(kind=kind):
            return not kind.fraction and term.type is not Type.NUMBER
        case Sum(left, _, right):
            return _exact(left, units) and _exact(right, units)
        case Product(factor, of):
            return isinstance(factor, int) and _exact(of, units)
    return isinstance(term, int | Decimal) and Decimal(term) * units % 1 == 0


def turns(leaf: Any, now: int, memory: Memory) -> Iterator[int]:
    """When what a model tells passes its bound, if no purchase comes or leaves the window."""
    rows, bound = selected(leaf.measure, now, memory, None), bound_of(leaf, memory)
    if bound is not None:
        yield from passing_of_bound(leaf.measure, rows, now, memory, bound)


def crossings(leaf: Calculated, now: int, memory: Memory) -> Iterator[int]:
    """When a duration that grows with time meets one that does not, if no event comes to count or ceases to."""
    growing = [any(each.kind.grows for each in measures_of(side)) for side in (leaf.left, leaf.right)]
    if growing[0] is growing[1]:
        return
    keyed = [each for each in measures_of(leaf) if each.events.key is not None]
    for key in {key for each in keyed for key in met(each, now, memory)} if keyed else {None}:
        left, right = (worth(side, now, memory, key) for side in (leaf.left, leaf.right))
        if left is not None and right is not None:
            first = now + floor(abs(right - left))
            yield from (first, first + 1)
