"""How many bytes one customer occupies: a limit beside that of entries, for ids and fields may be long.

Counted are the entries that the rules and the recognition of duplicates still need, and the profile: 16 bytes for each
entry, the bytes of each text, and 8 for each number. The count depends on nothing but what is remembered, so a replay
counts the same. It is taken exactly only where the limit may have been reached.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from segments.engine.customer import Customer
from segments.engine.remember import Columns, forgotten
from segments.language.catalogue import SESSION_GAP
from segments.language.nodes.durations import DAY
from segments.plan.planner import Plan, Stream

ENTRY = 16
"""Bytes of an entry without its fields: an instant, and what lies around it."""
NUMBER = 8
LARGEST_FIELD = 4_096
"""Bytes of a field at most: a longer text is refused before it comes here."""


def is_heavy(customer: Customer, plan: Plan, at: int, limit: int) -> bool:
    """Whether an event of an instant comes when the limit of bytes is reached; as `is_full` for the entries."""
    now = max(customer.instant, at)
    if customer.full_from <= now < customer.full_until:
        return True
    found = list(_entries(customer, plan, now))
    total = _profile(customer) + sum(size for _, size in found)
    if total < limit:
        columns = max((len(stream.columns) for stream in plan.streams), default=0)
        largest = ENTRY + LARGEST_FIELD * (columns + 1)
        customer.heavy_from = customer.entries + (limit - total) // largest + 1
        return False
    customer.full_from, customer.full_until = now, _lighter_at(found, total - limit)
    return True


def _lighter_at(entries: list[tuple[int, int]], over: int) -> int:
    """The first instant at which so many bytes, and one more, are no longer needed; a profile always is."""
    for end, size in sorted(entries):
        over -= size
        if over < 0:
            return end
    return 1 << 62


def _profile(customer: Customer) -> int:
    attributes = sum(_size(name) + _size(value) for name, value in customer.profile.items())
    return attributes + sum(_size(name) + 1 for name in customer.consents)


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    return 0 if value is None else NUMBER


def _entries(customer: Customer, plan: Plan, now: int) -> Iterator[tuple[int, int]]:
    """Until when each entry that is needed at an instant stays so, and its bytes."""
    for seen in customer.ids.values():
        if seen + DAY > now:
            yield seen + DAY, ENTRY
    for stream, kept in zip(plan.streams, customer.streams, strict=True):
        if isinstance(kept, dict):
            for key, each in kept.items():
                yield from _of_key(stream, key, each, now)
        elif kept is not None:
            yield from _of_columns(stream, kept, forgotten(stream, kept, now))


def _of_key(stream: Stream, key: Any, kept: Columns, now: int) -> Iterator[tuple[int, int]]:
    """Those of one value of `by`; the value itself goes with the last of them."""
    found = list(_of_columns(stream, kept, bisect_right(kept[0], now - stream.keep)))
    for place, (end, size) in enumerate(found, 1):
        yield end, size + (_size(key) if place == len(found) else 0)


def _of_columns(stream: Stream, kept: Columns, first: int) -> Iterator[tuple[int, int]]:
    ends = kept[-1] if stream.visits else kept[0]
    fields = kept[1:-1] if stream.visits else kept[1:]
    keep = stream.keep + (SESSION_GAP if stream.visits else 0)
    for place in range(first, len(ends)):
        yield ends[place] + keep, ENTRY + sum(_size(column[place]) for column in fields)
