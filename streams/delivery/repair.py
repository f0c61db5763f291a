"""All memberships at once, for a destination that knows nothing yet; and the repair of a destination's list."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import schemas
from schemas.records import SEGMENT_EVENT
from segments.engine import event_id, partition_of
from streams.delivery.config import Destination
from streams.delivery.flip import ENTER, EXIT, FULL, RECONCILE, Flip, Place
from streams.delivery.policy import SEND, verdict
from streams.delivery.view import View
from streams.errors import StreamsError

Key = tuple[str, str, str | None]
"""Customer, segment and value."""


Ends = Sequence[int]
"""By partition where `segment-events` ended before the memberships were read: what lies before is settled by them."""


def everybody(view: View, to: Destination, ends: Ends, now: int) -> Iterator[Flip]:
    """An enter for each membership, with the id of the enter that began it; what is asked is asked when it is sent."""
    for member in view.members():
        if to.wants(member["segment"]):
            identity = event_id(
                *(member["customer_id"], member["segment"], member["segment_version"], ENTER),
                *(member["episode"], member["entered_at"]),
            )
            yield _flip(_event(member, FULL, identity, now), ends, now)


def differences(
    view: View, to: Destination, listed: set[Key], ends: Ends, now: int
) -> tuple[list[Flip], list[Flip]]:
    """The enters of who is missing in a destination's list, and the exits of who should not be there.

    Who does not agree, or is in the control group, should not be there. Ids are those of this repair alone: a
    destination that passes over ids it has had must not pass over these. Their sequence is the customer's latest, as
    the memberships have it (0: they have none), so what flips afterwards is later; `episode` of an exit is 0, since the
    list does not tell of which stay it is.
    """
    missing, wanted = [], set()
    for enter in everybody(view, to, ends, now):
        key = enter.key
        if verdict(enter, to, None, view.membership(key), view.consents(enter.customer)) == SEND:
            wanted.add(key)
            if key not in listed:
                anew = {"reason": RECONCILE, "event_id": _id(key, ENTER, now), "known_as": enter.id}
                event = {**enter.event, **anew, "sequence": view.sequence(enter.customer)}
                missing.append(_flip(event, ends, now))
    extra = [
        _flip(
            _event(_nobody(key, now), RECONCILE, _id(key, EXIT, now), now)
            | {"transition": EXIT, "sequence": view.sequence(key[0])},
            ends,
            now,
        )
        for key in sorted(listed - wanted, key=lambda each: (each[0], each[1], each[2] or ""))
    ]
    return missing, extra


def read_list(file: Path, to: Destination) -> set[Key]:
    """A destination's list: CSV with a column customer_id, and segment and value where there are several."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text)
        names = rows.fieldnames or []
        if "customer_id" not in names:
            raise StreamsError(f"{file}: expected a column customer_id, came {', '.join(names) or 'nothing'}")
        segment = _only(to, file) if "segment" not in names else None
        return {
            (row["customer_id"], segment or row["segment"], row.get("value") or None)
            for row in rows
            if row["customer_id"] and to.wants(segment or row["segment"])
        }


def _only(to: Destination, file: Path) -> str:
    """The one segment of a destination."""
    if to.segments is None or len(to.segments) != 1:
        raise StreamsError(
            f"{file}: {to.name} takes several segments, so expected a column segment beside customer_id"
        )
    return next(iter(to.segments))


def _nobody(key: Key, now: int) -> dict[str, Any]:
    """What an exit without an enter tells."""
    customer, segment, value = key
    return {
        "customer_id": customer,
        "segment": segment,
        "value": value,
        "segment_version": "",
        "episode": 0,
        "entered_at": now,
        "valid_until": None,
        "arm": None,
        "details": {},
    }


def _event(member: Mapping[str, Any], reason: str, identity: str, now: int) -> dict[str, Any]:
    """The segment event of a membership."""
    names = ("customer_id", "segment", "value", "segment_version", "episode", "valid_until", "arm", "details")
    return {name: member[name] for name in names} | {
        "event_id": identity,
        "transition": ENTER,
        "occurred_at": member["entered_at"],
        "emitted_at": now,
        "sequence": member["episode"],
        "reason": reason,
        "cause": None,
        "evidence": [],
    }


def _flip(event: Mapping[str, Any], ends: Ends, now: int) -> Flip:
    """The place is that of the last flip that the memberships know: whatever lies before it is had with this one."""
    partition = partition_of(event["customer_id"].encode(), len(ends))
    place = Place("segment-memberships", partition, ends[partition] - 1)
    return Flip(event, place, place, now, schemas.encode(SEGMENT_EVENT, dict(event)))


def _id(key: Key, transition: str, now: int) -> str:
    text = "\0".join((RECONCILE, *(each or "" for each in key), transition, str(now)))
    return blake2b(text.encode(), digest_size=16).hexdigest()
