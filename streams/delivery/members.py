"""Who is in a segment: now from the memberships, at an instant from the segment events."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import schemas
from schemas.records import SEGMENT_EVENT, SEGMENT_MEMBERSHIPS

CONTROL = "control"
"""The arm that is left alone."""


@dataclass(frozen=True, slots=True)
class Member:
    """A customer in a segment; instants in milliseconds."""

    customer: str
    value: str | None
    entered_at: int | None
    """None: the event of the enter is gone from the topic."""
    valid_until: int | None
    details: Mapping[str, str]
    arm: str | None

    def line(self) -> dict[str, Any]:
        """As an object of JSON, with the columns of `segments members`."""
        return {
            "customer_id": self.customer,
            "value": self.value,
            "entered_at": None if self.entered_at is None else schemas.to_iso(self.entered_at),
            "valid_until": None if self.valid_until is None else schemas.to_iso(self.valid_until),
            "details": dict(self.details),
        }


def member_of(customer: str, entry: Mapping[str, Any], entered_at: int | None) -> Member:
    """A member of an entry of the memberships, or of an enter; fields that its schema does not have yet are empty."""
    return Member(
        customer,
        entry.get("value"),
        entered_at,
        entry.get("valid_until"),
        entry.get("details") or {},
        entry.get("arm"),
    )


@dataclass(slots=True)
class Now:
    """The members of a segment by the compacted memberships, taken in record by record."""

    segment: str
    known: set[str] = field(default_factory=set)
    """The segments that anybody is in."""
    _members: dict[bytes, list[Member]] = field(default_factory=dict)

    def add(self, key: bytes, value: bytes | None) -> None:
        """Take in a record: it replaces all that was known of its customer."""
        record = None if value is None else schemas.decode(SEGMENT_MEMBERSHIPS, value)
        entries = [] if record is None else record["segments"]
        self.known.update(each["segment"] for each in entries)
        found = [
            member_of(key.decode(), each, each["entered_at"])
            for each in entries
            if each["segment"] == self.segment
        ]
        if found:
            self._members[key] = found
        else:
            self._members.pop(key, None)

    def members(self) -> Iterator[Member]:
        """All of them, by customer, then value."""
        for key in sorted(self._members):
            yield from sorted(self._members[key], key=_by_value)


@dataclass(slots=True)
class Then:
    """The members of a segment at an instant by its events, taken in one by one, in the order of each customer.

    Who is in it now, and has been since before the events reach back, was in it then. Who was erased since is none,
    however long ago that instant is.
    """

    segment: str
    at: int
    now: "Now | None" = None
    """The memberships, read before the events."""
    erased_at: Callable[[str], int | None] = lambda _customer: None
    """The latest erasure of a customer, in milliseconds; None: there is none."""
    known: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    _members: dict[tuple[str, str | None], Member] = field(default_factory=dict)
    _seen: set[tuple[str, str | None]] = field(default_factory=set)

    def add(self, event: Mapping[str, Any]) -> None:
        """Take in an event of any segment."""
        self.known.add(event["segment"])
        if event["reason"] == "erasure":
            self._erase(event["customer_id"])
        if event["segment"] != self.segment:
            return
        key = event["customer_id"], event.get("value")
        first = key not in self._seen
        self._seen.add(key)
        if event["occurred_at"] > self.at:
            if first and event["transition"] == "exit" and event["reason"] != "erasure":
                # Its enter is no longer in the topic, so it came before all that is.
                self._members[key] = Member(key[0], key[1], None, None, {}, event.get("arm"))
        elif event["transition"] == "enter":
            self._members[key] = member_of(key[0], event, event["occurred_at"])
        else:
            self._members.pop(key, None)

    def _erase(self, customer: str) -> None:
        self.erased.add(customer)
        for key in [key for key in self._members if key[0] == customer]:
            del self._members[key]

    def members(self) -> Iterator[Member]:
        """All of them, by customer, then value; who was erased since is noted."""
        for each in sorted(self._all(), key=lambda each: (each.customer.encode(), _by_value(each))):
            erased = self.erased_at(each.customer)
            if erased is None or erased < (
                self.at if each.entered_at is None else min(self.at, each.entered_at)
            ):
                yield each
            else:
                self.erased.add(each.customer)

    def _all(self) -> Iterator[Member]:
        yield from self._members.values()
        for each in self.now.members() if self.now is not None else ():
            is_before = each.entered_at is not None and each.entered_at <= self.at
            if is_before and (each.customer, each.value) not in self._seen:
                yield each


def _by_value(member: Member) -> tuple[bool, bytes]:
    return member.value is not None, (member.value or "").encode()


def chosen(members: Iterable[Member], value: str | None, arm: str) -> Iterator[Member]:
    """Those of a value, if one is given, and of an arm: `treated` is all but the control group."""
    for each in members:
        in_arm = arm == "all" or (each.arm == CONTROL) == (arm == CONTROL)
        if in_arm and value in (None, each.value):
            yield each


def reach(begins: Mapping[int, int], oldest: Mapping[int, int]) -> str:
    """How far back the segment events go, in words.

    `begins`: the first offset that each partition still has; `oldest`: the Kafka timestamp of its first record, in
    milliseconds, of partitions that have one.
    """
    cut = [each for each, offset in begins.items() if offset > 0]
    if not cut:
        return "the segment events are there from the first one on"
    since = "who is in it since before that is taken from the memberships"
    if empty := sorted(set(cut) - set(oldest)):
        return f"the segment events of partition {', '.join(map(str, empty))} are all deleted; {since}"
    return f"the segment events reach back to {schemas.to_iso(max(oldest[each] for each in cut))}; {since}"


def decoded(value: bytes | None) -> dict[str, Any] | None:
    """The segment event in these bytes; None if there is none."""
    return None if value is None else schemas.decode(SEGMENT_EVENT, value)
