"""Flips as records: the segment event of an enter or an exit, and the memberships after it."""

from hashlib import blake2b
from typing import Any

from segments.engine.compile import Rule
from segments.engine.customer import Customer
from segments.engine.records import NEVER, Record
from segments.engine.rules import RuleSet

Cause = dict[str, Any] | None


def cause_of(partition: int, record: Record) -> Cause:
    """The record in whose evaluation something flipped."""
    event_id = record.event["event_id"] if isinstance(record.event, dict) else None
    return {"topic": record.topic, "partition": partition, "offset": record.offset, "event_id": event_id}


def event_id(
    customer: str, segment: str, version: str, transition: str, sequence: int, occurred_at: int
) -> str:
    """The same flip has the same id in every run."""
    text = "\0".join((customer, segment, version, transition, str(sequence), str(occurred_at)))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def segment_event(
    customer: Customer,
    segment: str,
    version: str,
    transition: str,
    occurred_at: int,
    episode: int,
    reason: str,
    cause: Cause,
    evidence: list[dict[str, Any]],
    valid_until: int | None,
) -> dict[str, Any]:
    """A `SegmentEvent` with the customer's present `sequence`; `emitted_at` is left to whoever reads a wall clock."""
    name = customer.key.decode()
    return {
        "event_id": event_id(name, segment, version, transition, customer.sequence, occurred_at),
        "customer_id": name,
        "segment": segment,
        "segment_version": version,
        "transition": transition,
        "occurred_at": occurred_at,
        "emitted_at": 0,
        "sequence": customer.sequence,
        "episode": episode,
        "reason": reason,
        "cause": cause,
        "evidence": evidence,
        "valid_until": valid_until,
    }


def valid_until(rules: RuleSet, customer: Customer, place: int, now: int) -> int | None:
    """The instant before which time alone does not flip a segment; None: never."""
    instant = _flips_at(rules, customer, place, now)
    for each in rules.reads[place]:
        instant = min(instant, _flips_at(rules, customer, each, now))
    return None if instant >= NEVER else instant


def _flips_at(rules: RuleSet, customer: Customer, place: int, now: int) -> int:
    """When time alone flips a segment; of one that is not due, never: nothing need be searched."""
    if place not in customer.dues:
        return NEVER
    instant = customer.exact.get(place, now)
    if instant <= now:
        instant = customer.exact[place] = _search(rules.compiled.rules[place], customer, place, now)
    return instant


def _search(rule: Rule, customer: Customer, place: int, now: int) -> int:
    """The exact instant: where it may flip is looked at, one instant after the other."""
    inside, at = customer.inside >> place & 1 == 1, now
    while at < NEVER:
        holds, after = rule(customer, at)
        if holds != inside:
            return at
        at = after
    return NEVER


def memberships(rules: RuleSet, customer: Customer, now: int) -> dict[str, Any]:
    """The segments that the customer is in now, by id."""
    places = sorted(customer.episodes, key=rules.rank.__getitem__)
    return {
        "customer_id": customer.key.decode(),
        "sequence": customer.sequence,
        "segments": [
            {
                "segment": rules.ids[place],
                "segment_version": rules.versions[place],
                "entered_at": customer.episodes[place][1],
                "episode": customer.episodes[place][0],
                "valid_until": valid_until(rules, customer, place, now),
            }
            for place in places
        ],
    }
