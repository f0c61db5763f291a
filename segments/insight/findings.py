"""What a trial of a rule finds: figures, and what they say of the rule."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Literal

from segments.insight.tally import Tally
from segments.language.nodes.durations import DAY

NEARLY_EVERYBODY = 0.9
"""The share of the customers known from which on a segment no longer tells anybody apart."""

Verdict = Literal["too_narrow", "too_broad"]


@dataclass(frozen=True, slots=True)
class Stay:
    """From an enter to its exit, or so far."""

    began: int
    lasted: int
    """Milliseconds."""
    ended: bool


@dataclass(slots=True)
class Change:
    """An edited rule against the one that runs: who is in both, only in the edited one, only in the other."""

    version: str
    """Of the one that runs."""
    members: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """By `stays`, `enters`, `leaves`."""
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(slots=True)
class Findings:
    """What is known at the end of a trial; instants in milliseconds, days counted from 1970."""

    segment: str
    version: str
    now: int | None = None
    """The instant as of which all this is; None: no event was ever applied."""
    customers: int = 0
    """Of whom anything is remembered."""
    members: int = 0
    enters: Counter[int] = field(default_factory=Counter)
    """By day."""
    leaves: Counter[int] = field(default_factory=Counter)
    stays: list[Stay] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)
    """The members of each segment of the rule set."""
    shared: Counter[str] = field(default_factory=Counter)
    """How many of the members of this one are in each of them."""
    examples: list[dict[str, Any]] = field(default_factory=list)
    """Those who entered last, as `why` tells of them."""
    tally: Tally = field(default_factory=Tally)
    """What became of the records."""
    change: Change | None = None

    @property
    def share(self) -> float | None:
        """The part of the customers known who are in it."""
        return self.members / self.customers if self.customers else None

    @property
    def verdict(self) -> Verdict | None:
        """Whether the rule tells nobody apart: nobody is in it, or nearly everybody."""
        if self.share is None:
            return None
        if not self.members:
            return "too_narrow"
        return "too_broad" if self.share >= NEARLY_EVERYBODY else None

    @property
    def overlap(self) -> list[tuple[str, int]]:
        """The other segments, each with how many of the members are in it too; most of them first."""
        others = [(name, count) for name, count in self.shared.items() if name != self.segment]
        return sorted(others, key=lambda pair: (-pair[1], pair[0]))

    def days(self, count: int) -> Iterator[tuple[int, int, int]]:
        """Enters and leaves of the last `count` days, today included."""
        if self.now is not None:
            today = self.now // DAY
            for day in range(today - count + 1, today + 1):
                yield day, self.enters[day], self.leaves[day]

    def median_stay(self, days: int) -> int | None:
        """How long half of those stay who entered in these days; None: nobody did, or most are still in."""
        if self.now is None:
            return None
        first = (self.now // DAY - days + 1) * DAY
        return median(stay for stay in self.stays if stay.began >= first)


def median(stays: Iterable[Stay]) -> int | None:
    """The median of how long stays last, of which some go on (Kaplan and Meier 1958).

    Those that have ended are the short ones: their median alone would be too small.
    """
    ordered = sorted(stays, key=attrgetter("lasted"))
    left, remain = len(ordered), 1.0
    for lasted, group in groupby(ordered, key=attrgetter("lasted")):
        same = list(group)
        remain *= 1 - sum(stay.ended for stay in same) / left
        if remain <= 0.5 + 1e-9:
            return int(lasted)
        left -= len(same)
    return None
