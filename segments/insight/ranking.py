"""The border of the best N per cent: of the values of all customers, from all partitions."""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from segments.plan import ir

MILLION = 1_000_000
"""In which the engine tells values."""
BITS, MOST, MARK = 7, 0x7F, 0x80
"""Bits of a number in a byte, and the mark of one that is not its last."""
WHOLE = 100
"""Per cent."""


def border_of(values: Sequence[int], percent: Decimal) -> int | None:
    """The ⌈n·percent/100⌉th largest of n values; equal values share a rank. None: there are none."""
    if not values:
        return None
    place = ceil(len(values) * percent / WHOLE)
    return sorted(values, reverse=True)[place - 1]


def published(values: Sequence[int], percent: Decimal) -> tuple[str | None, str]:
    """The border of these values, in millionths, as it is published; else None, and why it is not."""
    found = border_of(values, percent)
    if found is None:
        return None, "no customer has a value"
    if found <= 0:
        return None, f"it would be {decimal_text(found)}, and only what is above 0 is published"
    return decimal_text(found), ""


def known_names(plan: ir.Plan) -> dict[str, str]:
    """For each measure that has a border, by its text, the name by which the plan knows it."""
    asked = [each for leaf in plan.leaves for each in ir.measured_in(leaf.asked)]
    return {
        plan.borders[each.border].measure: plan.measures[each.known]
        for each in asked
        if each.border is not None
    }


def durations_of(plan: ir.Plan) -> frozenset[str]:
    """The measures that have a border and are durations, by their texts."""
    asked = [each for leaf in plan.leaves for each in ir.measured_in(leaf.asked)]
    return frozenset(
        plan.borders[each.border].measure
        for each in asked
        if each.border is not None and each.kind == "duration"
    )


def decimal_text(millionths: int) -> str:
    """A value in millionths as a decimal without zeros at its end."""
    text = format(Decimal(millionths).scaleb(-6), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def packed(values: Sequence[int]) -> bytes:
    """Values in ascending order, each as its distance from the one before, in bytes of seven bits and a mark."""
    out, before = bytearray(), 0
    for place, value in enumerate(sorted(values)):
        # The first may be negative: its sign is its lowest bit.
        rest = (abs(value) << 1 | (value < 0)) if place == 0 else value - before
        before = value
        while rest > MOST:
            out.append(rest & MOST | MARK)
            rest >>= BITS
        out.append(rest)
    return bytes(out)


def unpacked(data: bytes) -> list[int]:
    """The values of `packed`, ascending."""
    found: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & MOST) << shift
        shift += BITS
        if not byte & MARK:
            first = -(number >> 1) if number & 1 else number >> 1
            found.append(found[-1] + number if found else first)
            number = shift = 0
    return found
