"""Time zones as data: the engine has no data base of them."""

from functools import lru_cache

from segments.language.zones import FIRST, LAST, seconds_ahead
from segments.plan.ir import Zone

DAY = 86_400
"""Seconds: no zone changes its offset twice within a day."""


@lru_cache(maxsize=16)
def zone_data(name: str) -> Zone:
    """A zone of the package tzdata with its changes from 1900 to 2100; raises as `zone_of` does."""
    if name == "UTC":
        return Zone(name, 0, ())
    before = first = seconds_ahead(name, FIRST)
    changes = list[tuple[int, int]]()
    for low in range(FIRST, LAST, DAY):
        after = seconds_ahead(name, low + DAY)
        if after != before:
            changes.append((1000 * _change(name, low, low + DAY), 1000 * after))
            before = after
    return Zone(name, 1000 * first, tuple(changes))


def _change(name: str, low: int, high: int) -> int:
    """The first second of the offset of `high`."""
    wanted = seconds_ahead(name, high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seconds_ahead(name, middle) == wanted else (middle, high)
    return high
