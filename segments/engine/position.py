"""The record of a partition beside its customers: offsets, clock, and the rule sets that wrote their states."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from segments.engine.records import BEFORE_ALL
from segments.engine.rules import RuleSet
from segments.language.errors import SegmentsError
from segments.plan.planner import column_name


@dataclass(frozen=True, slots=True)
class Layout:
    """How one rule set wrote the states of customers."""

    ids: tuple[str, ...]
    versions: tuple[str, ...]
    streams: tuple[tuple[str, tuple[str, ...]], ...]
    """The identity of each stream and the names of its columns."""
    known: dict[str, int]
    """For each measure the instant from which it knows events."""
    retention: int
    filled: tuple[str, ...] = ()
    """The rules whose measures were filled from the past since these states were written: they flip as if new."""

    def as_plain(self) -> dict[str, Any]:
        """For MessagePack."""
        return {
            "ids": self.ids,
            "versions": self.versions,
            "streams": self.streams,
            "known": self.known,
            "retention": self.retention,
            "filled": self.filled,
        }


def _layout(plain: dict[str, Any]) -> Layout:
    streams = tuple((identity, tuple(columns)) for identity, columns in plain["streams"])
    return Layout(
        tuple(plain["ids"]),
        tuple(plain["versions"]),
        streams,
        plain["known"],
        plain["retention"],
        tuple(plain.get("filled", ())),
    )


def layout_of(rules: RuleSet, known: dict[str, int]) -> Layout:
    """The layout of a rule set."""
    streams = tuple(
        (stream.identity, tuple(column_name(column, rules.plan.currency) for column in stream.columns))
        for stream in rules.plan.streams
    )
    return Layout(rules.ids, rules.versions, streams, known, rules.plan.retention)


class Position:
    """Where a partition stands."""

    def __init__(
        self, offsets: dict[str, int], clock: int, layouts: dict[int, Layout], current: int, count: int
    ) -> None:
        self.offsets, self.clock, self.layouts, self.current, self.count = (
            offsets,
            clock,
            layouts,
            current,
            count,
        )
        self.last = current
        """The layout that was current when the record was written."""
        self.written = False
        """Whether the record says already what this rule set is."""
        self.known: list[int] | None = None
        """By the number of a measure in the plan; None: all of them from the beginning."""

    @classmethod
    def read(cls, data: bytes | None, rules: RuleSet, count: int) -> "Position":
        """The position as committed, with a layout for this rule set: the last one if that is the same."""
        if data is None:
            position = cls(
                {},
                BEFORE_ALL,
                {0: layout_of(rules, dict.fromkeys(rules.plan.measures, BEFORE_ALL))},
                0,
                count,
            )
        else:
            position = cls._decoded(data, rules, count)
        known = position.layouts[position.current].known
        if any(since > BEFORE_ALL for since in known.values()):
            position.known = [known[measure] for measure in rules.plan.measures]
        return position

    @classmethod
    def _decoded(cls, data: bytes, rules: RuleSet, count: int) -> "Position":
        plain = msgspec.msgpack.decode(data, strict=False)
        if plain["count"] != count:
            raise SegmentsError(
                f"The state was written for {plain['count']} partitions, the topics have {count}. "
                "Customers would change partitions: start a new group (SEGMENTS_GROUP), or restore the partition count."
            )
        layouts = {number: _layout(each) for number, each in plain["layouts"].items()}
        position = cls(plain["offsets"], plain["clock"], layouts, plain["current"], count)
        last = layouts[position.current]
        position.written = layout_of(rules, last.known) == last
        if not position.written:
            known = {measure: last.known.get(measure, position.clock) for measure in rules.plan.measures}
            position.current = max(layouts) + 1
            layouts[position.current] = layout_of(rules, known)
        return position

    def write(self, offsets: Mapping[str, int], clock: int, *, swept: bool) -> bytes:
        """The record, and from now on the position."""
        self.offsets, self.clock, self.written = dict(offsets), clock, True
        if swept:
            self.layouts = {self.current: self.layouts[self.current]}
        return msgspec.msgpack.encode(
            {
                "offsets": self.offsets,
                "clock": clock,
                "count": self.count,
                "current": self.current,
                "layouts": {number: layout.as_plain() for number, layout in self.layouts.items()},
            }
        )
