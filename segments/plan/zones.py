"""Time zones as data: the engine has no data base of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from segments.language.zones import zone_of
from segments.plan.ir import Zone

FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
"""Events are of the years 1 to 9999; rules look back a hundred years at most, and no zone is known so far ahead."""
DAY, MILLISECOND = timedelta(days=1), timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=4)
def zone_data(name: str) -> Zone:
    """A zone of the package tzdata with its changes from 1900 to 2100; raises as `zone_of` does."""
    zone = zone_of(name)

    def offset(second: int) -> int:
        ahead = (EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
        return (ahead or timedelta()) // MILLISECOND

    start, end = ((each - EPOCH) // timedelta(seconds=1) for each in (FIRST, LAST))
    step, changes, before = DAY // timedelta(seconds=1), list[tuple[int, int]](), offset(start)
    first = before
    for low in range(start, end, step):
        after = offset(low + step)
        if after != before:
            changes.append((1000 * _change(offset, low, low + step), after))
            before = after
    return Zone(name, first, tuple(changes))


def _change(offset: Callable[[int], int], low: int, high: int) -> int:
    """The first second of the offset of `high`."""
    wanted = offset(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if offset(middle) == wanted else (middle, high)
    return high
