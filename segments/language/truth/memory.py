"""What happened to a customer, for the oracle: the events of a set, and the fields of an event."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from segments.language.nodes.durations import MINUTE
from segments.language.nodes.events import CLICK_KINDS, VISIT_KINDS
from segments.language.nodes.fields import Field, Type

Event = Mapping[str, Any]
VISIT_GAP = 30 * MINUTE
NEVER = float("-inf")


@dataclass(slots=True)
class Memory:
    """All that is remembered of a customer."""

    currency: str = "EUR"
    events: list[tuple[str, Event]] = field(default_factory=list)
    """Topic and event, in order of application."""
    profile: Event | None = None
    known: Mapping[str, float] = field(default_factory=dict)
    """For measures that came with a later rule set, by their text, the instant from which they know events."""


def happened(name: str, memory: Memory) -> Iterator[Event]:
    """The events of a set, in order of time and, at the same time, of application."""
    previous = NEVER
    for topic, event in sorted(memory.events, key=lambda each: int(each[1]["occurred_at"])):
        kind, click = event["kind"], topic == "clickstream"
        if name == "visit":
            if click and kind in VISIT_KINDS:
                yield from [event] if event["occurred_at"] - previous >= VISIT_GAP else []
                previous = event["occurred_at"]
        elif not click and name == f"{kind}.items":
            yield from ({**event, **line} for line in event["items"])
        elif name in ("any_event", kind if kind in CLICK_KINDS or not click else f'event("{kind}")'):
            yield event


def read(of: Field, event: Event, memory: Memory) -> Any:
    """The value of a field, or None if it is missing; money in another currency is missing."""
    if of.name == "day":
        return datetime.fromtimestamp(event["occurred_at"] // 1000, UTC).date().isoformat()
    if of.key is not None:
        return event["attributes"].get(of.key)
    if of.type is Type.MONEY:
        return Decimal(event[of.name]).scaleb(-2) if event["currency"] == memory.currency else None
    return event[of.name]
