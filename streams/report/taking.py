"""Fetched records of each topic of a report, given to what gathers them by customer."""

from collections.abc import Callable
from typing import Any

import schemas
from schemas.records import RECORD_OF_TOPIC, SEGMENT_OUTCOME
from segments.engine import Records
from segments.insight.outcomes.gathering import Gathering
from segments.language.catalogue import CLICKSTREAM, PROFILES, TRANSACTIONS
from streams.registry.readable import READABLE

EVENTS, MEMBERSHIPS, OUTCOMES = "segment-events", "segment-memberships", "segment-outcomes"


def takes(gathering: Gathering) -> dict[str, Callable[[Records], None]]:
    """By topic what takes in records; one that can't be decoded, or has another key, is a dead letter, no number."""
    return {
        EVENTS: _of(EVENTS, gathering.event),
        OUTCOMES: _outcomes(gathering),
        CLICKSTREAM.name: _activity(CLICKSTREAM.name, gathering),
        TRANSACTIONS.name: _activity(TRANSACTIONS.name, gathering),
        MEMBERSHIPS: _keyed(MEMBERSHIPS, lambda key, found, _: gathering.memberships(key, found)),
        PROFILES.name: _keyed(PROFILES.name, gathering.profile),
    }


def _outcomes(gathering: Gathering) -> Callable[[Records], None]:
    """By the engine those that our schema wrote, all others one by one."""
    ours, one_by_one = schemas.written_id(SEGMENT_OUTCOME), _of(OUTCOMES, gathering.outcome)

    def take(records: Records) -> None:
        found = records.outcomes(ours)
        if found is None:
            one_by_one(records)
        else:
            gathering.outcomes(*found)

    return take


def _activity(topic: str, gathering: Gathering) -> Callable[[Records], None]:
    name = RECORD_OF_TOPIC[topic]
    return lambda records: gathering.activity(name, records, READABLE)


def _of(topic: str, take: Callable[[Any], None]) -> Callable[[Records], None]:
    name, decode, wrong = RECORD_OF_TOPIC[topic], schemas.decode, schemas.DecodeError

    def taken(records: Records) -> None:
        for _, _, key, value in records.raw():
            if key is None or value is None:
                continue
            try:
                found = decode(name, value)
            except wrong:
                continue
            if found["customer_id"].encode() == key:
                take(found)

    return taken


def _keyed(topic: str, take: Callable[[str, Any, int], None]) -> Callable[[Records], None]:
    """Records whose value may be null."""

    def taken(records: Records) -> None:
        for _, timestamp, key, value in records.raw():
            if key is None:
                continue
            try:
                found = None if value is None else schemas.decode(RECORD_OF_TOPIC[topic], value)
                customer = key.decode()
            except (schemas.DecodeError, UnicodeDecodeError):
                continue
            take(customer, found, timestamp)

    return taken
