"""The stays of one customer in segments, made of enters and exits and of the memberships as they are now."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from segments.insight.outcomes.period import ALWAYS, NEVER


class Flip(NamedTuple):
    """An enter or exit; the instant in milliseconds."""

    segment: str
    value: str | None
    at: int
    enters: bool
    reason: str
    episode: int
    arm: str | None


class Membership(NamedTuple):
    """A membership as it is now."""

    segment: str
    value: str | None
    entered_at: int


class Stay(NamedTuple):
    """From an enter to its exit."""

    value: str | None
    entered_at: int
    """ALWAYS: the enter is no longer in the topic."""
    left_at: int
    """NEVER: the customer is still in."""
    reason: str | None
    """Of the enter; None: it is not known."""
    left_by: str | None
    """The reason of the exit."""
    episode: int
    arm: str | None

    def at(self, instant: int) -> bool:
        """Whether the customer was in the segment at that instant."""
        return self.entered_at <= instant < self.left_at


Span = tuple[int, int]
"""From the first instant to the last, in milliseconds."""


def stays_of(flips: Iterable[Flip], held: Iterable[Membership]) -> dict[str, list[Stay]]:
    """The stays of a customer by segment, in the order of their enters.

    `flips` in the order of the topic. Of a segment and value with a flip the flips tell all there is; a membership
    tells of those whose flips are all gone from the topic.
    """
    found: dict[str, list[Stay]] = defaultdict(list)
    inside: dict[tuple[str, str | None], Flip] = {}
    seen = set()
    for flip in flips:
        segment = flip.segment
        key = segment, flip.value
        enter = inside.pop(key, None)
        if flip.enters:
            inside[key] = flip
        elif enter is not None or key not in seen:
            found[segment].append(_stay(flip, enter))
        seen.add(key)
    for enter in inside.values():
        found[enter.segment].append(
            Stay(enter.value, enter.at, NEVER, enter.reason, None, enter.episode, enter.arm)
        )
    for each in held:
        if (each.segment, each.value) not in seen:
            found[each.segment].append(Stay(each.value, each.entered_at, NEVER, None, None, 0, None))
    for stays in found.values():
        if len(stays) > 1:
            stays.sort(key=lambda stay: stay.entered_at)
    return found


def _stay(left: Flip, enter: Flip | None) -> Stay:
    if enter is None:
        return Stay(left.value, ALWAYS, left.at, None, left.reason, left.episode, left.arm)
    return Stay(enter.value, enter.at, left.at, enter.reason, left.reason, enter.episode, enter.arm)


def spans_of(stays: Sequence[Stay]) -> list[Span]:
    """When the customer was in for at least one value: spans that don't touch, in their order."""
    found: list[Span] = []
    for stay in stays:
        if found and stay.entered_at <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], stay.left_at)
        else:
            found.append((stay.entered_at, stay.left_at))
    return found


def length_of(spans: Iterable[Span], since: int, until: int) -> int:
    """Milliseconds of these spans within [since, until)."""
    return sum(max(0, min(last, until) - max(first, since)) for first, last in spans)
