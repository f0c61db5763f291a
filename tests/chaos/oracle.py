"""Customers judged by the slow truth as well, a thousand at most: their records one by one, in the order of application."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from segments.engine import Partition, Record, Refusal
from segments.language.nodes.order import in_order
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves
from segments.language.truth.life import Customer, Step
from segments.language.truth.oracle import Inside

SAMPLE = 1_000
LONGEST = 40
"""Records of a customer, at most: the slow truth is quadratic, and worse."""
PUBLISHED = (
    "segment", "value", "transition", "occurred_at", "sequence", "episode", "reason", "cause", "evidence", "valid_until",
    "details", "arm",
)  # fmt: skip


class Brief(Customer):
    """A customer of the oracle who is asked for flips alone, and foresees those of one rule by what that rule reads.

    The oracle finds `valid_until` by living on until the flip comes, with all rules: at each instant at which any leaf
    may turn every rule is evaluated. Calculations and dates have hundreds of such instants, which are nothing to the
    other rules; so here a rule lives on with those that it reads, and memberships are not told.
    """

    def __init__(self, segments: Iterable[Segment], *more: Any, **named: Any) -> None:
        super().__init__(segments, *more, **named)
        self._narrow = {each.id: Customer(in_order([each]), *more, **named) for each in self.segments}

    def next_flip(self, segment: Segment, value: str | None = None) -> int | None:
        """When time alone will flip a segment."""
        narrow = self._narrow[segment.id]
        narrow.memory, narrow.inside = self.memory, self.inside
        narrow.instant, narrow.swept = self.instant, self.swept
        return narrow.next_flip(segment, value)

    def stays(self, inside: Inside) -> list[dict[str, Any]]:  # noqa: ARG002 - as it is called
        """Nothing: the memberships are judged by the engine."""
        return []


@dataclass(slots=True)
class Turn:
    """A record whose turn came, and the clock of its partition just then."""

    record: Record
    partition: int
    clock: int

    def step(self) -> Step:
        """As the slow truth takes it."""
        record, event = self.record, self.record.event
        assert not isinstance(event, Refusal)
        where = {"topic": record.topic, "partition": self.partition, "offset": record.offset}
        event_id = None if event is None else event["event_id"]
        return Step({**where, "event_id": event_id}, event, record.timestamp)


@dataclass(slots=True)
class Lives:
    """The turns of every customer, and the clocks of the partitions at the end."""

    turns: dict[str, list[Turn]] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)

    def follow(self, partition: Partition) -> None:
        """Note whose turn comes as a partition goes through its log."""
        advance = partition.advance
        offered = {(topic, each.offset): each for topic, log in partition._offered.items() for each in log}

        def noted(records: int = 5_000) -> bool:
            for _ in range(records):
                before, clock = partition.offsets, partition.clock
                more = advance(1)
                for topic, end in partition.offsets.items():
                    for offset in range(before[topic], end):
                        self._note(offered.get((topic, offset)), partition.number, clock)
                if not more:
                    return False
            return True

        partition.advance = noted  # type: ignore[method-assign]

    def _note(self, record: Record | None, partition: int, clock: int) -> None:
        if record is not None and record.key is not None and not isinstance(record.event, Refusal):
            self.turns.setdefault(record.key.decode(), []).append(Turn(record, partition, clock))

    def sample(self, seed: int, refused: Iterable[str]) -> list[str]:
        """Customers by chance, but for those with more records than the slow truth can go through."""
        short = [name for name, turns in self.turns.items() if len(turns) <= LONGEST]
        names = sorted({*short} - {*refused})
        return random.Random(seed).sample(names, min(SAMPLE, len(names)))


def differences(
    lives: Lives,
    names: Iterable[str],
    segments: Iterable[Segment],
    events: Mapping[str, list[dict[str, Any]]],
) -> Iterator[str]:
    """What was published of these customers and should not have been, or the other way round."""
    segments = list(segments)
    loose = {each.id for each in segments if _reads(each)}
    for name in names:
        wanted = [_published(flip, loose) for flip in _lived(lives, name, segments)]
        came = [_published(event, loose) for event in events.get(name, [])]
        if wanted != came:
            pairs = zip([*wanted, None], [*came, None], strict=False)
            yield f"{name}: " + next((f"oracle {a}, engine {b}" for a, b in pairs if a != b), "")


def _lived(lives: Lives, name: str, segments: list[Segment]) -> list[dict[str, Any]]:
    customer, turns = Brief(segments, name=name), lives.turns[name]
    for turn in turns:
        customer.apply(turn.step(), turn.clock)
    customer.fire(lives.ends[turns[0].partition])
    return customer.flips


def _published(flip: Mapping[str, Any], loose: set[str]) -> dict[str, Any]:
    """What both tell; `valid_until` may be early for a rule that reads another segment."""
    return {part: flip[part] for part in PUBLISHED if part != "valid_until" or flip["segment"] not in loose}


def _reads(segment: Segment) -> bool:
    return any(isinstance(leaf, Segment) for leaf in leaves(segment.when) + leaves(segment.until))
