"""What a model is fitted to: the purchase days of each customer in the window, as a rule sees them at an instant."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from segments.language.zones import zone_of

DAY = 86_400_000
"""Milliseconds of a day."""

Purchase = tuple[int, Decimal | None]
"""Its instant in milliseconds and its amount, None in another currency than the shop's."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer with at least one purchase in the window."""

    x: int
    """Purchase days after the first one."""
    last: float
    """Days from the first purchase day to the last one."""
    observed: float
    """Days from the first purchase day to the instant of the question."""
    spent: int
    """How many purchase days after the first have an amount in the currency."""
    mean: float
    """The mean of those days' totals, in units of the currency; 0 where there is none."""


class Days:
    """The date in a zone of each instant; dates of UTC need no calendar."""

    def __init__(self, zone: str) -> None:
        """Raises an OSError or a ValueError for an unknown zone."""
        self._zone = None if zone == "UTC" else zone_of(zone)

    def of(self, at: int) -> int:
        """The number of the date, counted from 1970-01-01."""
        if self._zone is None:
            return at // DAY
        return _ordinal(self._zone, at // 1000)


@cache
def _ordinal(zone: ZoneInfo, second: int) -> int:
    return (datetime.fromtimestamp(second, UTC).astimezone(zone)).toordinal()


def buyer(purchases: list[Purchase], window: int | None, until: int, days: Days, seen: int) -> Buyer | None:
    """One customer at `until`, of purchases in order of time up to `seen`; None: none of them is in the window."""
    upto = bisect_right(purchases, seen, key=lambda each: each[0])
    found: dict[int, tuple[int, list[Decimal]]] = {}
    for at, amount in purchases[:upto]:
        if window is None or until < at + window:
            _, amounts = found.setdefault(days.of(at), (at, []))
            amounts.extend([] if amount is None else [amount])
    if not found:
        return None
    first, *rest = found.values()
    totals = [sum(amounts) for _, amounts in rest if amounts]
    last = rest[-1][0] if rest else first[0]
    return Buyer(
        x=len(rest),
        last=(last - first[0]) / DAY,
        observed=(until - first[0]) / DAY,
        spent=len(totals),
        mean=float(sum(totals) / len(totals)) if totals else 0.0,
    )


def buyers(
    customers: Mapping[str, list[Purchase]],
    window: int | None,
    until: int,
    days: Days,
    *,
    before: bool = False,
) -> dict[str, Buyer]:
    """All customers with a purchase in the window at `until`, by id; `before`: without what is at `until` itself."""
    seen = until - 1 if before else until
    found = ((name, buyer(each, window, until, days, seen)) for name, each in customers.items())
    return {name: each for name, each in found if each is not None}


def bought(purchases: Iterable[Purchase], since: int, until: int, days: Days) -> int:
    """How many purchase days there are from `since` on and up to `until`.

    A day that began before `since` was counted then, and is none of these.
    """
    before = {days.of(at) for at, _ in purchases if at < since}
    return len({days.of(at) for at, _ in purchases if since <= at <= until} - before)
