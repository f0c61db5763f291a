"""What is remembered of one customer, live and as bytes.

Hot path: one mutable object for each customer at work, encoded once for each commit. The bytes begin with a header that
tells, without decoding the rest, when time alone may flip something and which segments the customer is in, so that a
restored partition is ready after one scan.

    8 bytes   the earliest instant at which something is due (NEVER: none), big-endian
    2 bytes   the number of the layout, that is, of the rule set that wrote it
    2 bytes   how many segments, then 2 bytes for each: its place in the layout
    the rest  MessagePack; instants as milliseconds before the customer's own, all of them in one list
"""

import struct
from hashlib import blake2b
from itertools import islice
from typing import Any

import msgspec

from segments.engine.keyed import Held
from segments.engine.records import NEVER
from segments.engine.remember import Kept, endings, entries, held_entries, packed, still_needed, unpacked
from segments.language.durations import DAY
from segments.language.plan import Plan

HEADER = struct.Struct(">qHH")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(strict=False).decode

BEFORE_ALL = -NEVER
"""The instant of a customer of whom nothing was applied yet."""


class Customer:
    """One customer, remembered. Its dues are the instants at which time alone flips a segment."""

    __slots__ = (
        "at",
        "base",
        "consents",
        "dues",
        "entries",
        "episodes",
        "erased_at",
        "exact",
        "full_from",
        "full_until",
        "held",
        "ids",
        "inside",
        "instant",
        "key",
        "known",
        "latest",
        "log",
        "next",
        "profile",
        "profile_at",
        "sequence",
        "streams",
    )

    def __init__(self, key: bytes, streams: int, known: list[int] | None) -> None:
        self.key = key
        self.streams: list[Kept] = [None] * streams
        self.instant = BEFORE_ALL
        """The customer's instant: the latest of what was applied and what flipped."""
        self.latest: int | None = None
        """The latest `occurred_at` of a click or transaction."""
        self.sequence = 0
        self.profile: dict[str, Any] = {}
        self.profile_at: int | None = None
        self.consents: dict[str, bool] = {}
        self.erased_at: int | None = None
        self.inside = 0
        """The segments the customer is in, as bits by their place in the rule set."""
        self.episodes: dict[int, tuple[int, int]] = {}
        """For each segment the customer is in: the `sequence` and the instant of the enter."""
        self.dues: dict[int, int] = {}
        """For each segment that time alone may flip: when to look, which may be early, never late."""
        self.exact: dict[int, int] = {}
        """For some of these the very instant of the flip, for as long as nothing touches the rule; never written."""
        self.ids: dict[bytes, int] = {}
        """Digests of the ids seen, with the customer's instant just after; the oldest first."""
        self.known = known
        """For each measure the instant from which it knows events, of the whole partition; None: from the beginning."""
        self.next = NEVER
        """An instant before which time alone does nothing: `due`, or earlier."""
        self.at = BEFORE_ALL
        """The instant of the evaluation going on."""
        self.held: dict[int, Held] = {}
        """For each leaf with `by`, which keys hold."""
        self.entries = 0
        """At least as many entries as the rules still need."""
        self.full_from = self.full_until = BEFORE_ALL
        """Between these instants the customer is at the limit, and no entry ceases to be needed; never written."""
        self.base: bytes | None = None
        """The bytes last encoded, and in `log` what was done since: together they undo a bug in the engine."""
        self.log: list[tuple[str, Any]] = []

    def due(self, retention: int) -> int:
        """The earliest instant at which time alone does something."""
        first = min(self.dues.values()) if self.dues else NEVER
        return min(first, self.forgotten_at(retention))

    def forgotten_at(self, retention: int) -> int:
        """When everything about the customer is forgotten: not while there is a profile."""
        if self.profile_at is not None:
            return NEVER
        if self.latest is not None:
            return self.latest + retention
        return NEVER if self.erased_at is None else self.erased_at + retention

    def clear(self, erased_at: int | None = None) -> None:
        """Forget everything, but perhaps the instant of an erasure."""
        base, log = self.base, self.log
        self.__init__(self.key, len(self.streams), self.known)  # type: ignore[misc]
        self.base, self.log, self.erased_at = base, log, erased_at
        if erased_at is not None:
            self.instant = erased_at

    @property
    def blank(self) -> bool:
        """Nothing is remembered."""
        return self.instant == BEFORE_ALL

    def forget_ids(self) -> None:
        """Forget the ids that can no longer make an event a duplicate."""
        ids, gone = self.ids, []
        for each, seen in ids.items():
            if seen + DAY > self.instant:
                break
            gone.append(each)
        for each in gone:
            del ids[each]


def id_digest(topic: str, event_id: str) -> bytes:
    """Eight bytes for an event id within its topic: two ids of one customer's day meet once in 10^11 customers."""
    return blake2b(f"{topic}\0{event_id}".encode(), digest_size=8).digest()


def occupied(customer: Customer, plan: Plan, now: int) -> int:
    """How many entries the rules and the recognition of duplicates still need at an instant."""
    total = len(customer.ids)
    for seen in customer.ids.values():
        if seen + DAY > now:
            break
        total -= 1
    return total + sum(
        entries(stream, kept, now) for stream, kept in zip(plan.streams, customer.streams, strict=True)
    )


def is_full(customer: Customer, plan: Plan, at: int, limit: int) -> bool:
    """Whether an event of an instant is too much: counted exactly, once for as long as that stays so."""
    now = max(customer.instant, at)
    if customer.full_from <= now < customer.full_until:
        return True
    known = now >= customer.full_until > BEFORE_ALL
    customer.entries = limit - 1 if known else occupied(customer, plan, now)
    if customer.entries < limit:
        return False
    customer.full_from, customer.full_until = now, room_at(customer, plan, now, customer.entries - limit + 1)
    return True


def room_at(customer: Customer, plan: Plan, now: int, over: int) -> int:
    """The first instant after `now` at which so many of the entries are no longer needed."""
    ends = list(islice((seen + DAY for seen in customer.ids.values() if seen + DAY > now), over))
    for stream, kept in zip(plan.streams, customer.streams, strict=True):
        if kept is not None:
            ends += endings(stream, kept, now, over)
    return sorted(ends)[over - 1]


def encode(customer: Customer, plan: Plan, layout: int) -> bytes:
    """A customer as bytes, without what is no longer needed."""
    now = customer.instant
    customer.forget_ids()
    instants: list[int] = []
    ages, places = [now - seen for seen in customer.ids.values()], list(customer.episodes)
    streams: dict[int, Any] = {}
    for place, held in enumerate(customer.streams):
        if held is not None:
            kept = customer.streams[place] = still_needed(plan.streams[place], held, now)
            if kept is not None:
                streams[place] = packed(kept, plan.streams[place].visits, instants)
    # Counted anew, so that the bytes do not tell how often they were written.
    customer.entries = len(customer.ids) + sum(map(held_entries, customer.streams))
    body = (
        now,
        customer.latest,
        customer.sequence,
        customer.profile_at,
        customer.profile,
        customer.consents,
        customer.erased_at,
        [(sequence, now - at) for sequence, at in customer.episodes.values()],
        {place: due - now for place, due in customer.dues.items()},
        b"".join(customer.ids),
        struct.pack(f"<{len(ages)}I", *ages),
        streams,
        [now - at for at in instants],
        customer.entries,
    )
    header = HEADER.pack(customer.due(plan.retention), layout, len(places))
    return header + struct.pack(f">{len(places)}H", *places) + _encode(body)


def header(data: bytes) -> tuple[int, int, tuple[int, ...]]:
    """When something is due, the layout, and the places of the segments the customer is in."""
    due, layout, count = HEADER.unpack_from(data)
    return due, layout, struct.unpack_from(f">{count}H", data, HEADER.size)


def decode(key: bytes, data: bytes, streams: int, known: list[int] | None) -> Customer:
    """A customer from bytes, the streams in the order of the layout that wrote them."""
    places = header(data)[2]
    body = _decode(data[HEADER.size + 2 * len(places) :])
    customer = Customer(key, streams, known)
    now, customer.latest, customer.sequence, customer.profile_at = body[:4]
    customer.profile, customer.consents, customer.erased_at = body[4:7]
    customer.instant = now
    customer.episodes = {
        place: (episode[0], now - episode[1]) for place, episode in zip(places, body[7], strict=True)
    }
    customer.inside = sum(1 << place for place in places)
    customer.dues = {place: now + ahead for place, ahead in body[8].items()}
    digests, ages = body[9], struct.unpack(f"<{len(body[10]) // 4}I", body[10])
    customer.ids = {digests[8 * n : 8 * n + 8]: now - age for n, age in enumerate(ages)}
    instants = iter([now - before for before in body[12]])
    for place, shape in body[11].items():
        customer.streams[place] = unpacked(shape, instants)
    customer.entries = body[13]
    customer.next = HEADER.unpack_from(data)[0]
    customer.base = data
    return customer
