"""How many bytes a rule keeps of a customer, measured: a customer is made up, and written as a worker would write them.

Texts are taken to be twelve characters long, and each entry of `by` to have a value of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from segments.engine.customer import Customer
from segments.engine.remember import Columns, Kept
from segments.engine.state import whole
from segments.insight.remembered import remembered, stream_text
from segments.language.nodes.durations import HOUR
from segments.language.nodes.fields import Field, Type
from segments.language.nodes.segment import Segment
from segments.plan.planner import Plan, Stream, plan

TYPICAL = {Type.TEXT: "product-1234", Type.WHOLE: 2, Type.MONEY: 49_95}
DATE = "2026-11-22"
NOW = 1_795_000_000_000
MANY = 16
"""Entries that are written to know the size of one."""
EXAMPLE = 10
"""Entries of the customer that is shown."""


@dataclass(frozen=True, slots=True)
class StreamSize:
    """Events that a rule keeps."""

    text: str
    each: int
    """Bytes of an entry."""
    latest: bool
    """There is only one entry, or one for each value of `by`."""
    shared: tuple[str, ...]
    """The other rules that keep the same events: what they keep is kept once."""

    def __str__(self) -> str:
        shared = f"; shared with {', '.join(self.shared)}" if self.shared else ""
        return f"{self.text}: {self.each} bytes each{shared}"


def sizes(segment: Segment, segments: Sequence[Segment], currency: str = "EUR") -> list[StreamSize]:
    """What one rule of a rule set keeps, stream by stream."""
    own, others = plan([segment], currency), [each for each in segments if each.id != segment.id]
    kept = {each.id: {stream.identity for stream in plan([each], currency).streams} for each in others}
    return [
        StreamSize(
            stream_text(stream),
            entry_size(own, place),
            stream.latest and stream.key is None,
            tuple(sorted(name for name, identities in kept.items() if stream.identity in identities)),
        )
        for place, stream in enumerate(own.streams)
    ]


def state(segment: Segment, segments: Sequence[Segment], currency: str = "EUR") -> list[str]:
    """All that a rule keeps, in lines, with what it comes to for a customer."""
    found = sizes(segment, segments, currency)
    by_text = {each.text: str(each) for each in found}
    lines = [by_text.get(line, line) for line in remembered(segment, currency)]
    return [*lines, _example(found)] if found else lines


def _example(found: list[StreamSize]) -> str:
    whole = [(each, each.each * (1 if each.latest else EXAMPLE)) for each in found]
    total, shared = sum(size for _, size in whole), sum(size for each, size in whole if each.shared)
    example = f"a customer with {EXAMPLE} of each: {total} bytes"
    return f"{example}, {shared} of them shared" if shared else example


def entry_size(of: Plan, place: int) -> int:
    """Bytes that an entry of a stream adds to the state of a customer, rounded up."""
    stream = of.streams[place]
    count = 1 if stream.latest and stream.key is None else MANY
    empty, full = Customer(b"", len(of.streams), None), Customer(b"", len(of.streams), None)
    empty.instant = full.instant = NOW
    full.streams[place] = _made_up(stream, count)
    return -((len(whole(empty, of, 0)) - len(whole(full, of, 0))) // count)


def _made_up(stream: Stream, count: int) -> Kept:
    times = [NOW - (count - number) * HOUR for number in range(count)]
    if stream.key is not None:
        of_key = [_columns(stream, [time]) for time in times]
        return {_typical(stream.key, number): columns for number, columns in enumerate(of_key)}
    return _columns(stream, times)


def _columns(stream: Stream, times: list[int]) -> Columns:
    columns: Columns = [[_typical(each, number) for number in range(len(times))] for each in stream.columns]
    return [list(times), *columns, *([list(times)] if stream.visits else [])]


def _typical(field: Field, number: int) -> Any:
    if field.name == "day":
        return DATE
    value: Any = TYPICAL[field.type]
    return f"{value[:-2]}{number:02}" if isinstance(value, str) else value + number
