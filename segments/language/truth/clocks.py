"""When the calendar alone may change a rule, for the oracle: every such instant of the near future is listed."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from segments.language.nodes.calendar import Period, TodayComparison
from segments.language.nodes.conditions import Condition
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.durations import DAY, Duration
from segments.language.nodes.text import measures_in
from segments.language.truth.calendar import QUARTER, begins, date_at, date_of, in_year, turned
from segments.language.truth.memory import NEVER, Memory
from segments.language.truth.oracle import truth

SOON = 9 * DAY
"""In it each hour of each weekday comes."""
YEAR = 400 * DAY
"""In it each month comes."""
YEARS = 9
"""Years within which there is a 29 February."""


class Clocks:
    """The leaves of some rules that read the calendar."""

    def __init__(self, leaves: Sequence[Condition]) -> None:
        self.now = [leaf for leaf in leaves if isinstance(leaf, TodayComparison)]
        self.dates = [leaf for leaf in leaves if isinstance(leaf, DateComparison)]
        found = {measure.events.period for leaf in leaves for measure in measures_in(leaf)}
        self.periods = [each for each in found if each is not None]
        self.held: dict[tuple[TodayComparison, int], bool] = {}
        """Of each condition on now by the quarter of an hour: clocks show the same throughout it."""

    def day(self, now: float) -> int:
        """When this changes, the instants to come must be listed again, since only near ones are."""
        return int(now // DAY) if self.now and now > NEVER else 0

    def settled(self, memory: Memory, now: float, retention: int) -> float:
        """An instant from which on nothing comes that did not come before, if there are conditions on now."""
        if not self.now:
            return float("inf")
        latest = max((event["occurred_at"] for _, event in memory.events), default=now)
        slow = any(leaf.part in ("month", "day") for leaf in self.now)
        return max(latest, now) + retention + (2 * YEAR if slow else SOON)

    def turnings(self, memory: Memory, now: float) -> Iterator[int]:
        """Instants after now at which the calendar may change a leaf."""
        if now == NEVER:
            return
        for leaf in self.now:
            before = self.holds(leaf, int(now), memory)
            for at in sorted(_clock(leaf, memory.zone, int(now))):
                if at > now and self.holds(leaf, at, memory) is not before:
                    before = not before
                    yield at
        for each in self.dates:
            yield from _dates(each, memory, int(now))
        for period in self.periods:
            yield from _periods(period, memory)

    def holds(self, leaf: TodayComparison, at: int, memory: Memory) -> bool:
        """Whether a condition on now holds at an instant."""
        key = leaf, at // QUARTER
        if key not in self.held:
            self.held[key] = truth(leaf, at, memory, ())[2]
        return self.held[key]


def _periods(period: Period, memory: Memory) -> Iterator[int]:
    """The end of the period of each event, and of the one after it."""
    for at in {event["occurred_at"] for _, event in memory.events}:
        day = date_at(memory.zone, at)
        yield from (begins(memory.zone, turned(period.unit, day, steps)) for steps in (1, 2))


def _clock(leaf: TodayComparison, zone: str, now: int) -> Iterator[int]:
    if leaf.part == "hour":
        yield from range(now // QUARTER * QUARTER, now + SOON, QUARTER)
        return
    day, end = date_at(zone, now), now + (SOON if leaf.part == "weekday" else YEAR)
    if leaf.part == "day":
        bounds = leaf.bound if isinstance(leaf.bound, tuple) else (leaf.bound,)
        days = [date.fromisoformat(each) for each in bounds if isinstance(each, str)]
        yield from (begins(zone, each + timedelta(days=step)) for each in days for step in (0, 1))
        return
    while begins(zone, day) < end:
        yield begins(zone, day)
        day += timedelta(days=1)


def _dates(leaf: DateComparison, memory: Memory, now: int) -> Iterator[int]:
    day, zone = date_of(leaf, memory), memory.zone
    if day is None:
        return
    days = [day]
    if leaf.told == "anniversary":
        year = date_at(zone, now).year
        days += [each for step in range(YEARS) if (each := in_year(day, year + step)) >= day]
    for each in days:
        start = begins(zone, each)
        yield from (start, begins(zone, each + timedelta(days=1)))
        if not isinstance(leaf.bound, Duration):
            passed = begins(zone, in_year(day, day.year + leaf.bound.count))
        else:
            passed = start + leaf.bound.milliseconds * (1 if leaf.told == "age" else -1)
        yield from (passed, passed + 1)
