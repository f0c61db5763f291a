"""The figures at the end, and what they say: did every rule do its work, are the flips those of replay?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploy.demo.compare import Comparison
from deploy.demo.live import Announced
from deploy.demo.log import Flip

UNKNOWN = ("birthday_this_week", "top_tenth")
"""Rules that read what nobody in the data has told, a birthday, or what is told once at the end, borders."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened, from the first event of the history to the last live flip."""

    rules: tuple[str, ...]
    customers: int
    events: int
    history: Counter[tuple[str, str]]
    live: Counter[tuple[str, str]]
    comparison: Comparison
    missing: tuple[Announced, ...]
    event_latencies: Sequence[int]
    timer_latencies: Sequence[int]

    def rows(self) -> list[tuple[object, ...]]:
        """For each rule its enters and leaves, in the history and live."""
        return [
            (
                rule,
                *(
                    part[rule, transition]
                    for part in (self.history, self.live)
                    for transition in ("enter", "exit")
                ),
            )
            for rule in self.rules
        ]

    def failures(self) -> list[str]:
        """All that went wrong, in words; nothing if nothing did."""
        both = self.history + self.live
        words = (("enter", "nobody ever entered"), ("exit", "nobody ever left"))
        idle = [
            f"{said} {rule}"
            for rule in self.rules
            for transition, said in words
            if not both[rule, transition] and rule not in UNKNOWN
        ]
        late = [
            f"{each.customer} was to {each.transition} {each.segment}, and did not" for each in self.missing
        ]
        differing = [self.comparison.difference] if self.comparison.difference else []
        return [*differing, *idle, *late]


def by_segment(flips: Iterable[Flip]) -> Counter[tuple[str, str]]:
    """Flips counted by segment and transition."""
    return Counter((flip.record["segment"], flip.record["transition"]) for flip in flips)


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The smallest value that so many percent do not exceed (nearest rank); None of nothing."""
    if not values:
        return None
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(rank, 1) - 1]
