"""The border of the best so many per cent: of the values of all customers, from all partitions."""

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

MILLION = 1_000_000
"""In which the engine tells values."""
WHOLE = 100
"""Per cent."""


def border_of(values: Sequence[int], percent: Decimal) -> int | None:
    """The ⌈n·percent/100⌉th largest of n values; equal values share a rank. None: there are none."""
    if not values:
        return None
    place = ceil(len(values) * percent / WHOLE)
    return sorted(values, reverse=True)[place - 1]


def decimal_text(millionths: int) -> str:
    """A value in millionths as a decimal without zeros at its end."""
    text = format(Decimal(millionths).scaleb(-6), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
