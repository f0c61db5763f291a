"""What is remembered, together with what the past remembers: of each stream the better part of both."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable

from segments.engine.remember import Columns, Kept
from segments.language.catalogue import SESSION_GAP
from segments.plan.planner import Stream


def merged(stream: Stream, kept: Kept, found: Kept, cut: int, erased_at: int) -> Kept:
    """What is kept of before an instant, and what the past found from there on, later than an erasure."""
    join = _visits if stream.visits else _latest if stream.latest else _events

    def both(old: Columns | None, new: Columns | None) -> Columns | None:
        before = None if old is None else _slice(old, 0, bisect_left(old[0], cut))
        start = 0 if new is None else max(bisect_left(new[0], cut), bisect_right(new[0], erased_at))
        return _joined(before, None if new is None else _slice(new, start, len(new[0])), join)

    if isinstance(kept, dict) or isinstance(found, dict):
        held = kept if isinstance(kept, dict) else {}
        known = found if isinstance(found, dict) else {}
        groups = {key: part for key in {**held, **known} if (part := both(held.get(key), known.get(key)))}
        return groups or None
    return both(kept, found)


def _slice(columns: Columns, start: int, end: int) -> Columns | None:
    return [column[start:end] for column in columns] if start < end else None


def _joined(
    old: Columns | None, new: Columns | None, join: Callable[[Columns, Columns], Columns]
) -> Columns | None:
    if old is None or new is None:
        return old or new
    return join(old, new)


def _events(old: Columns, new: Columns) -> Columns:
    return [before + after for before, after in zip(old, new, strict=True)]


def _latest(_old: Columns, new: Columns) -> Columns:
    return new


def _visits(old: Columns, new: Columns) -> Columns:
    """The last visit of before may go on in the first of after."""
    if new[0][0] < old[-1][-1] + SESSION_GAP:
        old[-1][-1] = max(old[-1][-1], new[-1][0])
        new = [column[1:] for column in new]
    return _events(old, new)
