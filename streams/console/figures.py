"""The numbers of the page of all segments, kept in memory and exact after each batch of records.

A revision is counted up with each change of a segment, so that who saw one is told what changed since.
"""

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from streams.console.database import HOUR, Database, Entered, Entry, Flips, Version

PERIOD_HOURS = 168
"""The hours in which entered, left and the trend are counted, the present one included: a week."""
LARGEST = 20
"""Overlaps that are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """A segment on the page of all segments."""

    segment: str
    members: int
    entered: int
    left: int
    fresh: int | None
    """The latest instant at which somebody entered or left, in milliseconds; None: nobody ever did."""
    revision: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All segments at one moment."""

    rows: dict[str, Row]
    customers: int
    """Customers with a membership record."""
    in_none: int
    overlap: Sequence[tuple[str, str, int]]
    revision: int


class Figures:
    """Counts of one database. Not for several threads at once."""

    def __init__(self, database: Database, now: int) -> None:
        self._database = database
        self._members: Counter[str] = Counter()
        self._pairs: Counter[tuple[str, str]] = Counter()
        self._revisions: Counter[str] = Counter()
        self._customers = self._in_none = self._revision = 0
        self._window: Counter[tuple[str, str]] = Counter()
        self._begins = 0
        self._latest: dict[str, int] = {}
        self._snapshot: Snapshot | None = None
        self._entered: Counter[Entered] = Counter()
        """Members more or fewer than the database counts."""
        self._changed_members: set[str] = set()
        self._changed_pairs: set[tuple[str, str]] = set()
        self._largest: Mapping[tuple[str, str], int] | None = None
        """The largest overlaps; None: they may be others."""
        self.begin(now)

    def begin(self, now: int) -> None:
        """Take up what the database holds."""
        rows, noted = self._database.rows, self._database.noted
        self._members = Counter(dict(rows("SELECT segment, members FROM size")))
        self._pairs = Counter({(one, other): count for one, other, count in rows("SELECT * FROM pair")})
        self._customers, self._in_none = noted("customers") or 0, noted("in_none") or 0
        self._entered.clear()
        self._changed_members.clear()
        self._changed_pairs.clear()
        self._largest = self._snapshot = None
        self._latest = dict(self._database.rows("SELECT segment, max(latest) FROM version GROUP BY 1"))
        self._begins = 0
        self.move_on(now)
        self._revision += 1
        self._revisions.update(dict.fromkeys({*self._members, *self._latest}, self._revision))

    def keep(self) -> None:
        """Keep in the database what changed since the last call: a console begins with it in no time."""
        members = {each: self._members[each] for each in self._changed_members}
        self._database.keep_sizes(members, {each: self._pairs[each] for each in self._changed_pairs})
        self._database.count_entered(self._entered)
        self._entered.clear()
        self._database.note("customers", self._customers)
        self._database.note("in_none", self._in_none)
        self._changed_members.clear()
        self._changed_pairs.clear()

    def moved(self, before: Iterable[str] | None, after: Iterable[str] | None) -> None:
        """A customer's segments changed; None: the customer has no membership record."""
        self._snapshot = None
        old, new = set(before or ()), set(after or ())
        self._customers += (after is not None) - (before is not None)
        self._in_none += (after is not None and not new) - (before is not None and not old)
        if old != new:
            stayed = old & new
            self._members.subtract(old - new)
            self._members.update(new - old)
            self._changed_members |= old ^ new
            for step, some in ((-1, old - new), (1, new - old)):
                for pair in _pairs(some, stayed):
                    self._paired(pair, step)
            self._touch(old ^ new)

    def _paired(self, pair: tuple[str, str], step: int) -> None:
        """A customer came into both segments of a pair, or is no longer in both."""
        self._pairs[pair] += step
        self._changed_pairs.add(pair)
        largest = self._largest
        if largest is not None and (
            pair in largest or len(largest) < LARGEST or self._pairs[pair] >= min(largest.values())
        ):
            self._largest = None

    def replaced(self, before: Sequence[Entry] | None, after: Sequence[Entry] | None) -> None:
        """A membership record took the place of another."""
        for step, entries in ((-1, before), (1, after)):
            for segment, value, entered_at, *_ in entries or ():
                self._entered[segment, value, entered_at // HOUR * HOUR] += step
        self.moved(*(None if each is None else [entry[0] for entry in each] for each in (before, after)))

    def flipped(self, counts: Mapping[Flips, int], versions: Mapping[Version, tuple[int, int]]) -> None:
        """Segment events were counted."""
        for (segment, hour, transition, _, _), count in counts.items():
            if hour >= self._begins:
                self._window[segment, transition] += count
        for (segment, _), (_, at) in versions.items():
            self._latest[segment] = max(at, self._latest.get(segment, at))
        self._touch({segment for segment, _ in versions})

    @property
    def customers(self) -> int:
        """Customers with a membership record."""
        return self._customers

    def _touch(self, segments: Iterable[str]) -> None:
        self._snapshot = None
        for segment in segments:
            self._revision += 1
            self._revisions[segment] = self._revision

    def move_on(self, now: int) -> None:
        """Let the period end with the present hour."""
        begins = now // HOUR * HOUR - (PERIOD_HOURS - 1) * HOUR
        if begins == self._begins:
            return
        self._begins = begins
        before, self._window = self._window, Counter()
        for segment, transition, count in self._database.rows(
            "SELECT segment, transition, sum(count) FROM hourly WHERE hour >= ? GROUP BY 1, 2", begins
        ):
            self._window[segment, transition] = count
        self._touch({segment for segment, _ in (before - self._window) + (self._window - before)})

    def snapshot(self) -> Snapshot:
        """All segments as they are now."""
        if self._snapshot is None:
            self._snapshot = self._counted()
        return self._snapshot

    def _counted(self) -> Snapshot:
        segments = {*self._latest, *(each for each, count in self._members.items() if count)}
        rows = {
            each: Row(
                each,
                self._members[each],
                self._window[each, "enter"],
                self._window[each, "exit"],
                self._latest.get(each),
                self._revisions[each],
            )
            for each in sorted(segments)
        }
        if self._largest is None:
            # Counts alone are compared first: of a thousand segments there are half a million pairs.
            least = max(1, min(heapq.nlargest(LARGEST, self._pairs.values()), default=1))
            near = [pair for pair in self._pairs.items() if pair[1] >= least]
            # Of pairs with the same count the first ones by name.
            self._largest = dict(heapq.nsmallest(LARGEST, near, key=lambda pair: (-pair[1], pair[0])))
        overlap = [(*pair, count) for pair, count in self._largest.items()]
        return Snapshot(rows, self._customers, self._in_none, overlap, self._revision)


def _pairs(some: Collection[str], others: Collection[str]) -> Iterator[tuple[str, str]]:
    """The pairs of which at least one is among `some`, in order of their names."""
    yield from combinations(sorted(some), 2)
    yield from ((min(pair), max(pair)) for pair in product(some, others))
