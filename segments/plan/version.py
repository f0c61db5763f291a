"""The version of a rule: a digest of what it means, the segments it reads included, not of how it is written."""

from collections.abc import Iterable
from hashlib import blake2b

from segments.language.nodes.order import reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import condition_text


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
