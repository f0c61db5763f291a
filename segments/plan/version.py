"""The version of a rule: a digest of what it means, the segments it reads included, not of how it is written."""

from collections.abc import Iterable
from hashlib import blake2b

from segments.language.nodes.order import in_order, reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import condition_text


def version(segment: Segment) -> str:
    """Twelve hex digits; equal if and only if two rules mean the same."""
    return _versions([segment])[segment.id]


def digest(segments: Iterable[Segment]) -> str:
    """The digest of a rule set: sixteen hex digits."""
    rules = list(segments)
    found = _versions(rules)
    return _digest(sorted(f"{segment.id}={found[segment.id]}" for segment in rules), 8)


def _versions(segments: Iterable[Segment]) -> dict[str, str]:
    """Of each segment and those that it reads; many may read the same one, which is looked at once."""
    found: dict[str, str] = {}
    for segment in in_order(segments):
        until = "" if segment.until is None else condition_text(segment.until)
        others = sorted(f"{other.id}={found[other.id]}" for other in reads(segment))
        found[segment.id] = _digest([condition_text(segment.when), until, *others], 6)
    return found


def _digest(parts: list[str], size: int) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=size).hexdigest()
