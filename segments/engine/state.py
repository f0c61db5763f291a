"""A customer as bytes: one record, and a second one where much is remembered.

Hot path: encoded once for each commit. The bytes begin with a header that tells, without decoding the rest, when time
alone may flip something and which segments the customer is in, so that a restored partition is ready after one scan.

    8 bytes   the earliest instant at which something is due (NEVER: none), big-endian
    2 bytes   the number of the layout, that is, of the rule set that wrote it
    2 bytes   how many segments, then 2 bytes for each: its place in the layout
    the rest  MessagePack; instants as milliseconds before the customer's own, or as the place of an id seen then

Who has more than `FEW` entries has a second record, of all that is older than an instant; the first one has what came
later. The second one is written anew when a sixteenth has come, or an event from before that instant comes late: so ten
thousand entries of a customer cost a commit no more than some hundred.
"""

import struct
from bisect import bisect_right
from collections.abc import Callable
from itertools import islice, takewhile
from operator import sub
from typing import Any

import msgspec

from segments.engine.customer import DIGEST, Customer
from segments.engine.records import BEFORE_ALL, OLDER
from segments.engine.remember import held_entries, joined, later, packed, still_needed, unpacked
from segments.language.nodes.durations import DAY
from segments.plan.planner import Plan

HEADER = struct.Struct(">qHH")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(strict=False).decode

FEW = 256
"""Entries that stand in the first record."""

SHARE = 16
"""Or one of so many of all, if that is more: these are what each commit costs, and all of them only now and then."""

LAZY = 8
"""What is no longer needed is looked for when one entry in so many is new, and so much of the shortest window over."""

State = tuple[bytes, bytes | None]
"""The record of a customer, and the one of what is older, if there is one."""

Packed = tuple[bytes, bytes, dict[int, Any], list[int]]
"""Digests of ids, the latest first; the time between them; streams without instants; these, as codes."""

NOTHING: Packed = (b"", b"", {}, [])


def whole(customer: Customer, plan: Plan, layout: int) -> bytes:
    """A customer as bytes, without what is no longer needed, in one record however much that is."""
    forget(customer, plan)
    customer.sealed = BEFORE_ALL
    return _record(customer, plan, layout, _pack(customer, plan)[0])


def encode(customer: Customer, plan: Plan, layout: int) -> State:
    """A customer as bytes, without what has not been needed for some time."""
    late = customer.instant - customer.forgets_at
    if late >= DAY or (late >= 0 and customer.entries >= customer.forgets_above):
        forget(customer, plan)
    if customer.sealed > BEFORE_ALL and customer.entries <= FEW // 2:
        customer.sealed = BEFORE_ALL
    found, count = _pack(customer, plan)
    older = customer.older
    if count > max(FEW, customer.entries // SHARE) and min(found[3], default=0) >= 0:
        if customer.sealed > BEFORE_ALL:
            customer.sealed = BEFORE_ALL
            found, count = _pack(customer, plan)
        older, found = _older(customer, plan, found), NOTHING
        customer.sealed = customer.instant
    return _record(customer, plan, layout, found), None if customer.sealed == BEFORE_ALL else older


def forget(customer: Customer, plan: Plan) -> None:
    """Forget what is no longer needed, and count what is."""
    customer.forgets_at = customer.instant + min(plan.shortest, DAY) // LAZY
    customer.forget_ids()
    if customer.ends is not None:
        del customer.ends[: bisect_right(customer.ends, customer.instant)]
    total = len(customer.ids)
    for place, kept in enumerate(customer.streams):
        if kept is not None:
            needed = customer.streams[place] = still_needed(plan.streams[place], kept, customer.instant)
            total += held_entries(needed)
    customer.entries, customer.heavy_from = total, 0
    customer.forgets_above = total + total // LAZY


def _pack(customer: Customer, plan: Plan) -> tuple[Packed, int]:
    """The entries that are not in the record of what is older, and how many they are."""
    now, after, ids = customer.instant, customer.sealed, customer.ids
    latest_first = reversed(ids.values())
    seen = list(latest_first if after == BEFORE_ALL else takewhile(after.__lt__, latest_first))
    digests, gaps = b"".join(islice(reversed(ids), len(seen))), _planes(list(map(sub, [now, *seen], seen)))
    instants: list[int] = []
    streams: dict[int, Any] = {}
    count = len(seen)
    for place, kept in enumerate(customer.streams):
        visits = plan.visits[place]
        new = kept if kept is None or after == BEFORE_ALL else later(kept, after, visits)
        if new is not None:
            before = len(instants)
            streams[place] = packed(new, visits, instants)
            # As `held_entries`, without another look at each key.
            count += (len(instants) - before) // (2 if visits else 1)
    return (digests, gaps, streams, _codes(instants, seen, now)), count


def _codes(instants: list[int], seen: list[int], now: int) -> list[int]:
    """Most of what is remembered came with an event whose id is still known: its place takes a byte or three."""
    first = len(seen)
    codes: list[Any] = list(map(dict(zip(seen, range(first), strict=True)).get, instants))
    for place, code in enumerate(codes):
        if code is None:
            at = instants[place]
            # What was filled from the past may be later than anything of the customer.
            codes[place] = now - at if at > now else now - at + first
    return codes


def _planes(numbers: list[int]) -> bytes:
    """The lowest byte of each, then the next one of each, as far as any has one: three do for four hours and a half."""
    data = struct.pack(f"<{len(numbers)}I", *numbers)
    width = (max(numbers, default=0).bit_length() + 7) // 8
    return b"".join([data[place::4] for place in range(width)])


def _numbers(planes: bytes, count: int) -> tuple[int, ...]:
    """As many as there were."""
    data = bytearray(4 * count)
    for place in range(len(planes) // count if count else 0):
        data[place::4] = planes[place * count : (place + 1) * count]
    numbers: tuple[int, ...] = struct.unpack(f"<{count}I", data)
    return numbers


def _record(customer: Customer, plan: Plan, layout: int, found: Packed) -> bytes:
    now, places = customer.instant, list(customer.episodes)
    body = (
        now,
        None if customer.latest is None else now - customer.latest,
        customer.sequence,
        customer.profile_at,
        customer.profile,
        customer.consents,
        customer.erased_at,
        [(sequence, now - at) for sequence, at in customer.episodes.values()],
        {place: due - now for place, due in customer.dues.items()},
        customer.entries,
        None if customer.sealed == BEFORE_ALL else now - customer.sealed,
        *found,
    )
    header = HEADER.pack(customer.due(plan.retention), layout, len(places))
    return header + struct.pack(f">{len(places)}H", *places) + _encode(body)


def _older(customer: Customer, plan: Plan, found: Packed) -> bytes:
    """All entries, and which streams are joined to what comes later in which way."""
    latest = [place for place, stream in enumerate(plan.streams) if stream.latest]
    visits = [place for place, each in enumerate(plan.visits) if each]
    return _encode((customer.instant, latest, visits, *found))


def header(data: bytes) -> tuple[int, int, tuple[int, ...]]:
    """When something is due, the layout, and the places of the segments the customer is in."""
    due, layout, count = HEADER.unpack_from(data)
    return due, layout, struct.unpack_from(f">{count}H", data, HEADER.size)


def decode(
    key: bytes, data: bytes, streams: int, known: list[int] | None, find: Callable[[bytes], bytes | None]
) -> Customer:
    """A customer from bytes, streams in the order of the layout that wrote them; `find` gets a record by its key."""
    places = header(data)[2]
    body = _decode(data[HEADER.size + 2 * len(places) :])
    customer = Customer(key, streams, known)
    now, latest, customer.sequence, customer.profile_at = body[:4]
    customer.profile, customer.consents, customer.erased_at = body[4:7]
    customer.instant = now
    customer.latest = None if latest is None else now - latest
    customer.episodes = {
        place: (episode[0], now - episode[1]) for place, episode in zip(places, body[7], strict=True)
    }
    customer.inside = sum(1 << place for place in places)
    customer.dues = {place: now + ahead for place, ahead in body[8].items()}
    customer.entries = body[9]
    customer.next = HEADER.unpack_from(data)[0]
    customer.base = data
    ways: list[list[int]] = [[], []]
    if body[10] is not None:
        customer.sealed = now - body[10]
        customer.older = older = find(key + OLDER)
        assert older is not None, "both records are of one transaction"
        then, *ways, digests, gaps, shapes, codes = _decode(older)
        _unpack(customer, then, (digests, gaps, shapes, codes), *ways)
    _unpack(customer, now, (body[11], body[12], body[13], body[14]), *ways)
    return customer


def _unpack(customer: Customer, now: int, found: Packed, latest: list[int], visits: list[int]) -> None:
    """Put entries behind those that a customer has; `latest` and `visits`: which streams are of these kinds."""
    digests, gaps, shapes, codes = found
    count = len(digests) // DIGEST
    seen, at = [], now
    for gap in _numbers(gaps, count):
        at -= gap
        seen.append(at)
    ids = customer.ids
    for place in range(count - 1, -1, -1):
        digest = digests[DIGEST * place : DIGEST * place + DIGEST]
        ids.pop(digest, None)
        ids[digest] = seen[place]
    instants = iter(
        [now - code if code < 0 else seen[code] if code < count else now - code + count for code in codes]
    )
    for place, shape in shapes.items():
        part, before = unpacked(shape, instants), customer.streams[place]
        if before is not None:
            part = joined(before, part, latest=place in latest, visits=place in visits)
        customer.streams[place] = part
