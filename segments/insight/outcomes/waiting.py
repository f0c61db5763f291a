"""Enters of which no outcome is known, or none that has matured: those that wait, and those whose watch was dropped.

An enter while a watch of the same segment and value is open opens none. Which are those, and how long the others wait,
follows from the window of the goal, known when all was read: until then the instants are kept, eight bytes each.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from segments.insight.outcomes.arms import Outcome
from segments.insight.outcomes.period import NEVER, Count, Period
from segments.insight.outcomes.stays import Stay

CUSTOMER, KEY, MATURED, COUNTS, GONE = 1, 2, 4, 8, 16
"""Marks of an enter: the first of a customer; the first of a value, or since what drops a watch; its outcome is in;
it counts; it was dropped by an erasure or with its rule."""
BITS = 5
DROPPING = frozenset({"erasure", "rule_removed"})


@dataclass(slots=True)
class Waiting:
    """The enters of one segment."""

    first: int = NEVER
    """The first enter of which an outcome is known: earlier ones whose window has passed were not watched."""
    arrived: int = 0
    """Outcomes that matured at the customer into whom another one was merged, and count."""
    enters: "array[int]" = field(default_factory=lambda: array("q"))
    parts: list[tuple[int, int]] = field(default_factory=list)
    """For each partition the place of its first enter, and up to when its outcomes are told."""

    def part(self, told_until: int) -> None:
        """Another partition begins."""
        self.parts.append((len(self.enters), told_until))

    def take(
        self,
        customer: str,
        outcomes: Sequence[Outcome],
        stays: Sequence[Stay],
        period: Period,
        erased_at: int,
    ) -> None:
        """One more customer, of whom all outcomes of this segment are given."""
        known = {}
        for each in outcomes:
            at = each.entered_at
            self.first = min(self.first, at)
            if each.entered_as == customer:
                if stays:
                    known[each.value, at, each.episode] = each.matured
            elif each.matured and period.own(each.reason) and period.holds(at):
                self.arrived += 1
        if not stays:
            return
        own = [stay for stay in stays if stay.reason is not None]
        for stay in own:
            if not known.get((stay.value, stay.entered_at, stay.episode)):
                break
        else:
            return
        begun, before = CUSTOMER, None
        for stay in sorted(own, key=lambda stay: (stay.value or "", stay.entered_at)):
            marks = begun | (KEY if before is None or _is_fresh(before, stay, erased_at) else 0)
            marks |= MATURED if known.get((stay.value, stay.entered_at, stay.episode)) else 0
            marks |= COUNTS if period.own(stay.reason or "") and period.holds(stay.entered_at) else 0
            marks |= GONE if erased_at >= stay.entered_at or stay.left_by in DROPPING else 0
            self.enters.append(stay.entered_at << BITS | marks)
            begun, before = 0, stay

    def join(self, other: "Waiting") -> None:
        """The same of other partitions."""
        self.first = min(self.first, other.first)
        self.arrived += other.arrived
        before = len(self.enters)
        self.enters.extend(other.enters)
        self.parts += [(before + place, told_until) for place, told_until in other.parts]

    def counts(self, window: int, now: int) -> tuple[Count, Count]:
        """Of the enters that count: those not mature yet, and those whose watch was dropped.

        `window`: of the goal, in milliseconds. An enter is not mature yet as long as its window, or what its partition
        has told, has not passed.
        """
        waiting, dropped = Count(), Count()
        ends = [*(place for place, _ in self.parts[1:]), len(self.enters)]
        for (begin, told_until), end in zip(self.parts, ends, strict=True):
            self._part(begin, end, min(now, told_until), window, (waiting, dropped))
        dropped.times = max(0, dropped.times - self.arrived)
        dropped.customers = max(0, dropped.customers - self.arrived)
        return waiting, dropped

    def _part(self, begin: int, end: int, now: int, window: int, counts: tuple[Count, Count]) -> None:
        waiting, dropped = counts
        open_until, customer = -NEVER, (0, 0)
        for place in range(begin, end):
            at, marks = self.enters[place] >> BITS, self.enters[place]
            if marks & CUSTOMER:
                waiting.add(customer[0])
                dropped.add(customer[1])
                customer = (0, 0)
            if marks & KEY:
                open_until = -NEVER
            over = at + window <= now
            if not marks & MATURED and (at < open_until or (over and at < self.first)):
                continue
            open_until = at + window
            if marks & COUNTS and not marks & MATURED:
                gone = over or bool(marks & GONE)
                customer = customer[0] + (not gone), customer[1] + gone
        waiting.add(customer[0])
        dropped.add(customer[1])


def _is_fresh(before: Stay, stay: Stay, erased_at: int) -> bool:
    """Whether no watch of the stay before can be open at the enter of this one."""
    erased = before.entered_at <= erased_at < stay.entered_at
    return before.value != stay.value or erased or before.left_by in DROPPING
