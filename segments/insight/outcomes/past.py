"""What one customer did: all events that the topics hold, and those of them that count."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from segments.insight.outcomes.period import ALWAYS, MILLISECONDS_OF_A_DAY, NEVER
from segments.language.catalogue import SESSION_GAP

OTHER, ON_SITE, OPEN, CLICK, PURCHASE, REFUND, SURVEY = range(7)
"""Kinds of events as a report tells them apart."""
BITS = 4
SAME_ID = MILLISECONDS_OF_A_DAY
"""Milliseconds in which a second event with the same id is a duplicate, as it is to the workers."""


class Past:
    """The events of one customer; instants in milliseconds."""

    __slots__ = ("_amounts", "_ids", "_profiles", "_scores", "_seen", "erased_at", "reach")

    def __init__(self, reach: int = ALWAYS) -> None:
        """From `reach` on the topics hold all events."""
        self.reach, self.erased_at = reach, ALWAYS
        self._seen, self._ids, self._profiles = array("q"), array("q"), array("q")
        self._amounts, self._scores = array("q"), array("q")

    def add(
        self, at: int, kind: int, event_id: int, cents: int | None = None, score: int | None = None
    ) -> None:
        """An event: its kind, a number that stands for topic and id, the money of it, the score of a survey."""
        if cents is not None:
            self._amounts.extend((len(self._seen), cents))
        if score is not None:
            self._scores.extend((len(self._seen), score))
        self._seen.append(at << BITS | kind)
        self._ids.append(event_id)

    def fill(self, seen: bytes, ids: bytes, amounts: bytes, scores: bytes) -> None:
        """Events as the engine gathers them, of a customer of whom none was added."""
        for held, found in (
            (self._seen, seen),
            (self._ids, ids),
            (self._amounts, amounts),
            (self._scores, scores),
        ):
            held.frombytes(found)

    def known(self, at: int) -> None:
        """A profile: the customer was there, and did nothing."""
        self._profiles.append(at)

    def erase(self, at: int) -> None:
        """What came before was erased."""
        self.erased_at = max(self.erased_at, at)

    def hand_over(self, to: "Callable[[int], Past]") -> None:
        """Add all of it to pasts, each part to the one that its instant gives."""
        amounts = dict(zip(self._amounts[::2], self._amounts[1::2], strict=True))
        scores = dict(zip(self._scores[::2], self._scores[1::2], strict=True))
        for place, (code, event_id) in enumerate(zip(self._seen, self._ids, strict=True)):
            at, kind = code >> BITS, code & (1 << BITS) - 1
            past = to(at)
            past.reach = max(past.reach, self.reach)
            past.add(at, kind, event_id, amounts.get(place), scores.get(place))
        for at in self._profiles:
            to(at).known(at)
        if self.erased_at > ALWAYS:
            to(self.erased_at).erase(self.erased_at)

    def settled(self) -> "Settled":
        """What counts of it, in the order of time: neither duplicates nor what was erased."""
        dropped = self._doubled()
        kept = [
            (code >> BITS, code & (1 << BITS) - 1, place)
            for place, code in enumerate(self._seen)
            if code >> BITS > self.erased_at and place not in dropped
        ]
        kept.sort()
        amounts = dict(zip(self._amounts[::2], self._amounts[1::2], strict=True))
        scores = dict(zip(self._scores[::2], self._scores[1::2], strict=True))
        profiles = (at for at in self._profiles if at > self.erased_at)
        return Settled(
            min(kept[0][0] if kept else NEVER, min(profiles, default=NEVER)),
            [at for at, _, _ in kept],
            [kind for _, kind, _ in kept],
            [(at, kind, amounts.get(place, 0)) for at, kind, place in kept if kind in (PURCHASE, REFUND)],
            [(at, scores[place]) for at, _, place in kept if place in scores],
        )

    def _doubled(self) -> set[int]:
        if len(set(self._ids)) == len(self._ids):
            return set()
        found, first = set(), dict[int, int]()
        for place, each in enumerate(self._ids):
            at = self._seen[place] >> BITS
            if each in first and abs(at - first[each]) < SAME_ID:
                found.add(place)
            else:
                first[each] = at
        return found


@dataclass(frozen=True, slots=True)
class Settled:
    """The events of one customer that count, ascending."""

    first: int
    """The first record of the customer, a profile included; NEVER: there is none."""
    instants: Sequence[int]
    kinds: Sequence[int]
    orders: Sequence[tuple[int, int, int]]
    """Instant, PURCHASE or REFUND, cents of the report's currency."""
    scores: Sequence[tuple[int, int]]
    """Instant and score of each survey."""

    def visits(self) -> Iterator[int]:
        """The instant at which each visit began."""
        before = ALWAYS
        for at, kind in zip(self.instants, self.kinds, strict=True):
            if kind == ON_SITE:
                if at - before >= SESSION_GAP:
                    yield at
                before = at

    def any_in(self, after: int, until: int) -> bool:
        """Whether there is an event in (after, until]."""
        place = bisect_right(self.instants, after)
        return place < len(self.instants) and self.instants[place] <= until
