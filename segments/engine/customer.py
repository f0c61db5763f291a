"""What is remembered of one customer, live: one mutable object for each customer at work."""

from bisect import bisect_right
from hashlib import blake2b
from typing import Any

from segments.engine.keyed import Held
from segments.engine.records import BEFORE_ALL, NEVER
from segments.engine.remember import endings, forgotten
from segments.language.nodes.durations import DAY
from segments.plan.planner import Plan

DIGEST = 6
"""Bytes that are kept of an event's id."""


class Customer:
    """One customer, remembered. Its dues are the instants at which time alone flips a segment."""

    __slots__ = (
        "at",
        "base",
        "consents",
        "dues",
        "ends",
        "entries",
        "episodes",
        "erased_at",
        "exact",
        "forgets_above",
        "forgets_at",
        "full_from",
        "full_until",
        "heavy_from",
        "held",
        "ids",
        "inside",
        "instant",
        "key",
        "known",
        "latest",
        "log",
        "next",
        "older",
        "profile",
        "profile_at",
        "sealed",
        "sequence",
        "streams",
    )

    def __init__(self, key: bytes, streams: int, known: list[int] | None) -> None:
        self.key = key
        self.streams: list[Any] = [None] * streams
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
        self.held: dict[int, Held] = {}  # by the number of the leaf
        self.entries = self.forgets_above = self.heavy_from = 0
        """At least as many as are needed; from how many on the unneeded are looked for, and bytes are counted."""
        self.ends: list[int] | None = None  # until when each with a key is needed, in order, once counted
        self.full_from = self.full_until = self.forgets_at = BEFORE_ALL
        """Between these instants the customer is at the limit, and no entry ceases to be needed; see `state.forget`."""
        self.base: bytes | None = None
        """The bytes last encoded, and in `log` what was done since: together they undo a bug in the engine."""
        self.older: bytes | None = None
        self.sealed = BEFORE_ALL
        """The record of what is older, see `state`, and until when it holds; BEFORE_ALL: not any more."""
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
        base, older, log = self.base, self.older, self.log
        self.__init__(self.key, len(self.streams), self.known)  # type: ignore[misc]
        self.base, self.older, self.log, self.erased_at = base, older, log, erased_at
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
    """Six bytes for an event id within its topic: of those of a customer, thirty a day, two meet in 10^11 days."""
    return blake2b(f"{topic}\0{event_id}".encode(), digest_size=DIGEST).digest()


def occupied(customer: Customer, plan: Plan, now: int) -> int:
    """How many entries the rules and the recognition of duplicates still need at an instant."""
    total = len(customer.ids)
    for seen in customer.ids.values():
        if seen + DAY > now:
            break
        total -= 1
    for stream, kept in zip(plan.streams, customer.streams, strict=True):
        if kept is not None and stream.key is None:
            total += len(kept[0]) - forgotten(stream, kept, now)
    ends = _ends(customer, plan)
    return total + len(ends) - bisect_right(ends, now)


def _ends(customer: Customer, plan: Plan) -> list[int]:
    """Those of streams with keys, of which there may be thousands: looked at once, and from then on kept up to date."""
    if customer.ends is None:
        pairs = zip(plan.streams, customer.streams, strict=True)
        keyed = [(stream.keep, kept) for stream, kept in pairs if kept is not None and stream.key is not None]
        customer.ends = sorted(at + keep for keep, kept in keyed for each in kept.values() for at in each[0])
    return customer.ends


def is_full(customer: Customer, plan: Plan, at: int, limit: int) -> bool:
    """Whether an event of an instant is one entry too many: counted exactly, once for as long as that stays so."""
    now = max(customer.instant, at)
    if customer.full_from <= now < customer.full_until:
        return True
    before, customer.entries = customer.entries, occupied(customer, plan, now)
    customer.forgets_above -= before - customer.entries
    customer.heavy_from = 0
    if customer.entries < limit:
        return False
    customer.full_from, customer.full_until = now, room_at(customer, plan, now, customer.entries - limit + 1)
    return True


def room_at(customer: Customer, plan: Plan, now: int, over: int) -> int:
    """The first instant after `now` at which so many of the entries are no longer needed."""
    found: list[int] = []
    for seen in customer.ids.values():
        if seen + DAY > now:
            found.append(seen + DAY)
            if len(found) == over:
                break
    for stream, kept in zip(plan.streams, customer.streams, strict=True):
        if kept is not None and stream.key is None:
            found += endings(stream, kept, now, over)
    ends = _ends(customer, plan)
    place = bisect_right(ends, now)
    return sorted(found + ends[place : place + over])[over - 1]
