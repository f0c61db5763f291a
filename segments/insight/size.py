"""How many bytes a rule keeps of a customer: as measured by the engine, stream by stream."""

from collections.abc import Sequence
from dataclasses import dataclass

from segments.engine import RuleSet, entry_size
from segments.insight.remembered import remembered, stream_text
from segments.language.nodes.segment import Segment
from segments.plan.planner import plan

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
    own, rules = plan([segment], currency), RuleSet([segment], currency)
    others = [each for each in segments if each.id != segment.id]
    kept = {each.id: {stream.identity for stream in plan([each], currency).streams} for each in others}
    return [
        StreamSize(
            stream_text(stream),
            entry_size(rules, stream.identity),
            stream.latest and stream.key is None,
            tuple(sorted(name for name, identities in kept.items() if stream.identity in identities)),
        )
        for stream in own.streams
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
