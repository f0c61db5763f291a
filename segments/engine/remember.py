"""How events are kept: streams of instants, sorted, beside columns of fields.

Hot path: plain lists, changed in place. A stream is `[instants, column, …]`; of `visit` it is `[starts, column, …,
ends]`, one entry for each session, since a session's start is all that counts and its end all that tells whether an
event belongs to it. A stream with a key is a dict of such lists.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from segments.engine.records import NEVER
from segments.language.catalogue import SESSION_GAP
from segments.language.nodes.durations import DAY
from segments.plan.planner import Stream

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


def still_needed(stream: Stream, kept: Kept, now: int) -> Kept:
    """What of a stream the rules still need at an instant; None for nothing."""
    if kept is None:
        return None
    until, forget = now - stream.keep, prune_visits if stream.visits else prune
    if isinstance(kept, list):
        if kept[0][0] <= until:
            forget(kept, until)
        return kept if kept[0] else None
    old = [key for key, each in kept.items() if each[0][0] <= until]
    for key in old:
        forget(kept[key], until)
        if not kept[key][0]:
            del kept[key]
    return kept or None


def later(kept: Columns | dict[Any, Columns], after: int, visits: bool) -> Kept:
    """What of a stream is later than an instant: of visits, what ended later; None for nothing.

    A stream with keys has those behind to which something was added later.
    """
    if isinstance(kept, dict):
        found = []
        for key, each in reversed(kept.items()):
            if each[0][-1] <= after:
                break
            count = bisect_right(each[0], after)
            found.append((key, [column[count:] for column in each] if count else each))
        found.reverse()
        return dict(found) or None
    count = bisect_right(kept[-1 if visits else 0], after)
    return [column[count:] for column in kept] if count < len(kept[0]) else None


def joined(
    older: Columns | dict[Any, Columns], newer: Columns | dict[Any, Columns], *, latest: bool, visits: bool
) -> Columns | dict[Any, Columns]:
    """A stream of which `later` told the newer part. Only the latest may count; a visit may have gone on since."""
    if isinstance(older, dict) and isinstance(newer, dict):
        for key, part in newer.items():
            before = older.pop(key, None)
            older[key] = (
                part if latest or before is None else [a + b for a, b in zip(before, part, strict=True)]
            )
        return older
    if latest:
        return newer
    count = bisect_left(older[0], newer[0][0]) if visits else len(older[0])
    return [a[:count] + b for a, b in zip(older, newer, strict=True)]


def packed(kept: Columns | dict[Any, Columns], visits: bool, instants: list[int]) -> Any:
    """What is kept without its instants, which go to the end of a list; how many comes first, negative for visits."""
    if isinstance(kept, dict):
        shapes = {}
        for key, each in kept.items():
            times = each[0]
            instants += times
            shapes[key] = [len(times), *each[1:]] if len(each) > 1 else len(times)
        return shapes
    times, *columns = kept
    instants += times
    if visits:
        instants += columns.pop()
        return [-len(times), *columns]
    return [len(times), *columns] if columns else len(times)


def unpacked(shape: Any, instants: Iterator[int]) -> Columns | dict[Any, Columns]:
    """What was packed, with the next of these instants."""
    if isinstance(shape, dict):
        return {key: _columns(each, instants) for key, each in shape.items()}
    return _columns(shape, instants)


def _columns(shape: Any, instants: Iterator[int]) -> Columns:
    count, *columns = [shape] if isinstance(shape, int) else shape
    found = [list(islice(instants, abs(count))), *columns]
    if count < 0:
        found.append(list(islice(instants, -count)))
    return found


def forgotten(stream: Stream, kept: Columns, now: int) -> int:
    """How many entries of a stream without keys the rules don't need any more at an instant."""
    if stream.visits:
        return bisect_right(kept[-1], now - stream.keep - SESSION_GAP)
    return bisect_right(kept[0], now - stream.keep)


def endings(stream: Stream, kept: Columns, now: int, count: int) -> list[int]:
    """The first so many instants after `now` at which entries of a stream without keys are no longer needed."""
    place, column = forgotten(stream, kept, now), kept[-1 if stream.visits else 0]
    keep = stream.keep + (SESSION_GAP if stream.visits else 0)
    return [at + keep for at in column[place : place + count]]


def until(ends: list[int], end: int, instead: int | None) -> None:
    """Put an entry's end among the others, perhaps in place of that of the entry before it."""
    if instead is not None and (place := bisect_left(ends, instead)) < len(ends) and ends[place] == instead:
        del ends[place]
    insort(ends, end)


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
