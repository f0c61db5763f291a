"""The version of a rule: a digest of what it means, the segments it reads included, not of how it is written."""

from collections.abc import Iterable
from hashlib import blake2b

from segments.language.segment import Segment
from segments.language.text import condition_text, leaves


def reads(segment: Segment) -> list[Segment]:
    """The segments whose membership is a condition of this one, in source order."""
    found = [leaf for leaf in leaves(segment.when) + leaves(segment.until) if isinstance(leaf, Segment)]
    return list({other.id: other for other in found}.values())


def version(segment: Segment) -> str:
    """Twelve hex digits; equal if and only if two rules mean the same."""
    parts = [condition_text(segment.when), "" if segment.until is None else condition_text(segment.until)]
    parts += sorted(f"{other.id}={version(other)}" for other in reads(segment))
    return _digest(parts, 6)


def digest(segments: Iterable[Segment]) -> str:
    """The digest of a rule set: sixteen hex digits."""
    return _digest(sorted(f"{segment.id}={version(segment)}" for segment in segments), 8)


def _digest(parts: list[str], size: int) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=size).hexdigest()


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
