"""Records as the console takes them in."""

import logging
from collections.abc import Mapping
from typing import Any

import schemas
from streams.console.database import Entry, stored

log = logging.getLogger(__name__)


def entry_of(entry: Mapping[str, Any]) -> Entry:
    """A membership as the database keeps it; fields that its schema does not have yet are null."""
    return (
        *(entry["segment"], stored(entry.get("value")), entry["entered_at"], entry["valid_until"]),
        *(entry.get("arm"), entry["segment_version"], entry["episode"]),
    )


def letter_of(record: Any) -> tuple[str, int]:
    """Reason and Kafka timestamp of a dead letter."""
    reason = dict(record.headers or ()).get("reason") or b"unknown"
    return reason.decode(errors="replace"), record.timestamp


def decoded(schema: Any, record: Any) -> dict[str, Any] | None:
    """What a record says; None, and a line in the log, if it can't be read: no worker wrote it."""
    try:
        found: dict[str, Any] | None = schemas.decode(schema, record.value)
    except schemas.DecodeError as error:
        log.warning("%s-%d@%d can't be read: %s", record.topic, record.partition, record.offset, error)
        return None
    return found
