"""How events are kept: streams of instants, sorted, beside columns of fields.

Hot path: plain lists, changed in place. A stream is `[instants, column, …]`; of `visit` it is `[starts, column, …,
ends]`, one entry for each session, since a session's start is all that counts and its end all that tells whether an
event belongs to it. A stream with a key is a dict of such lists.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from segments.engine.records import NEVER
from segments.language.durations import DAY
from segments.language.plan import SESSION_GAP, Stream

Columns = list[list[Any]]
Kept = Columns | dict[Any, Columns] | None


def merge(stream: Columns, at: int, row: Sequence[Any]) -> None:
    """Put a late event where it belongs: after those of the same instant."""
    index = bisect_right(stream[0], at)
    stream[0].insert(index, at)
    for column, value in zip(stream[1:], row, strict=True):
        column.insert(index, value)


def prune(stream: Columns, until: int) -> None:
    """Forget the events at or before an instant."""
    count = bisect_right(stream[0], until)
    for column in stream:
        del column[:count]


def take_visit(stream: Columns, at: int, row: Sequence[Any]) -> bool:
    """Let an event start a session, extend one, or join two. True if what counts as a visit changed."""
    starts, ends = stream[0], stream[-1]
    index = bisect_right(starts, at) - 1
    if index >= 0 and at < ends[index] + SESSION_GAP:
        if at <= ends[index]:
            return False
        ends[index] = at
        return _join_next(stream, index)
    if index + 1 < len(starts) and starts[index + 1] < at + SESSION_GAP:
        for column, value in zip(stream[:-1], (at, *row), strict=True):
            column[index + 1] = value
        return True
    for column, value in zip(stream, (at, *row, at), strict=True):
        column.insert(index + 1, value)
    return True


def _join_next(stream: Columns, index: int) -> bool:
    starts, ends = stream[0], stream[-1]
    if index + 1 == len(starts) or starts[index + 1] >= ends[index] + SESSION_GAP:
        return False
    ends[index] = ends[index + 1]
    for column in stream[:-1]:
        del column[index + 1]
    del ends[index + 1]
    return True


def prune_visits(stream: Columns, until: int) -> None:
    """Forget the sessions that can neither count nor be joined any more: those that ended at or before an instant."""
    count = bisect_right(stream[-1], until - SESSION_GAP)
    for column in stream:
        del column[:count]


def upto(kept: Kept, now: int) -> Any:
    """What of a stream had happened by an instant; None for nothing."""
    if isinstance(kept, dict):
        groups = {key: part for key, each in kept.items() if (part := upto(each, now)) is not None}
        return groups or None
    if kept is None or (count := bisect_right(kept[0], now)) == len(kept[0]):
        return kept
    return [column[:count] for column in kept] if count else None


def entering(kept: Kept, now: int) -> int:
    """The instant of the first event of a stream after this one; NEVER if there is none."""
    if isinstance(kept, dict):
        return min((entering(each, now) for each in kept.values()), default=NEVER)
    if kept is None or (place := bisect_right(kept[0], now)) == len(kept[0]):
        return NEVER
    return int(kept[0][place])


def _pruned(stream: Stream, kept: Columns, now: int) -> Columns | None:
    if kept[0][0] <= now - stream.keep:
        (prune_visits if stream.visits else prune)(kept, now - stream.keep)
    return kept if kept[0] else None


def still_needed(stream: Stream, kept: Kept, now: int) -> Kept:
    """What of a stream the rules still need at an instant; None for nothing."""
    if isinstance(kept, dict):
        groups = {key: part for key, each in kept.items() if (part := _pruned(stream, each, now)) is not None}
        return groups or None
    return None if kept is None else _pruned(stream, kept, now)


def entries(stream: Stream, kept: Kept, now: int) -> int:
    """How many entries of a stream the rules still need at an instant, without forgetting the others."""
    if kept is None:
        return 0
    groups = list(kept.values()) if isinstance(kept, dict) else [kept]
    if stream.visits:
        return sum(len(each[0]) - bisect_right(each[-1], now - stream.keep - SESSION_GAP) for each in groups)
    return sum(len(each[0]) - bisect_right(each[0], now - stream.keep) for each in groups)


def held_entries(kept: Kept) -> int:
    """How many entries are held of a stream, needed or not."""
    if kept is None:
        return 0
    return sum(len(each[0]) for each in kept.values()) if isinstance(kept, dict) else len(kept[0])


@lru_cache(maxsize=4096)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * 86_400, UTC).strftime("%Y-%m-%d")


def day(at: int) -> str:
    """The UTC date of an instant: 2026-11-22."""
    return _day(at // DAY)
