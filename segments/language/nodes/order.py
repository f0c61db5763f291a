"""The order of rules: which segments a rule reads, and a rule set with each rule after those that it reads."""

from collections.abc import Iterable

from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves


def reads(segment: Segment) -> list[Segment]:
    """The segments whose membership is a condition of this one, in source order."""
    found = [leaf for leaf in leaves(segment.when) + leaves(segment.until) if isinstance(leaf, Segment)]
    return list({other.id: other for other in found}.values())


def in_order(segments: Iterable[Segment]) -> list[Segment]:
    """The segments with each after those that it reads; otherwise by id. Cycles are refused when rules are loaded."""
    ordered: dict[str, Segment] = {}

    def visit(segment: Segment) -> None:
        if segment.id not in ordered:
            for other in sorted(reads(segment), key=lambda each: each.id):
                visit(other)
            ordered[segment.id] = segment

    for segment in sorted(segments, key=lambda each: each.id):
        visit(segment)
    return list(ordered.values())
