"""What happened to a customer, for the oracle: the events of a set, and the fields of an event."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from segments.language.catalogue import SESSION_GAP, WEEKDAYS, EventSet, Type
from segments.language.nodes.fields import Field
from segments.language.zones import seconds_ahead

Event = Mapping[str, Any]
NEVER = float("-inf")
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  as a clock of any zone shows it


@dataclass(slots=True)
class Memory:
    """All that is remembered of a customer."""

    currency: str = "EUR"
    zone: str = "UTC"
    """The time zone of the shop, by its IANA name."""
    events: list[tuple[str, Event]] = field(default_factory=list)
    """Topic and event, in order of application."""
    profile: Event | None = None
    """What all sources tell together."""
    sources: dict[str, Event] = field(default_factory=dict)
    """By topic the profile that each source told last."""
    borders: Mapping[str, Decimal] = field(default_factory=dict)
    """Those published, by measure and percentage: `purchase.within(days=365).count() top(percent=10)`."""
    begun: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """For rules with `for_at_least`, by id and value: since when the condition holds, as it was evaluated then."""
    entered: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """The latest enter of each segment, at each value."""
    known: Mapping[str, float] = field(default_factory=dict)
    """For measures that came with a later rule set, by their text, the instant from which they know events."""
    customer: str = "customer"
    """Whose memory it is."""


def together(sources: Mapping[str, Event]) -> Event:
    """The profile that rules read: of one name what was told later counts, then what the greater topic told.

    A consent is given if some source says true and none says false.
    """
    found: dict[str, Any] = {"attributes": {}, "consents": {}, "lists": {}}
    for _, told in sorted(sources.items(), key=lambda each: (each[1]["occurred_at"], each[0])):
        found["attributes"] |= told["attributes"]
        found["lists"] |= told.get("lists", {})
        found["consents"] |= {
            name: given and found["consents"].get(name, True) for name, given in told["consents"].items()
        }
    return found


def happened(events: EventSet, memory: Memory) -> Iterator[Event]:
    """The events of a set, in order of time and, at the same time, of application."""
    topics = {topic.name for topic in events.topics} if not events.flip else {events.name}
    previous = NEVER
    for topic, event in sorted(memory.events, key=lambda each: int(each[1]["occurred_at"])):
        if topic not in topics or (events.kinds is not None and event["kind"] not in events.kinds):
            continue
        if events.visits:
            yield from [event] if event["occurred_at"] - previous >= SESSION_GAP else []
            previous = event["occurred_at"]
        elif events.lines:
            yield from ({**event, **line} for line in event["items"])
        else:
            yield event


def read(of: Field, event: Event, memory: Memory) -> Any:
    """The value of a field, or None if it is missing; money in another currency is missing."""
    if of.key is not None:
        text = event.get("attributes", {}).get(of.key)
        return text if of.type is Type.TEXT else number(text)
    if of.name in CALENDAR:
        second = event["occurred_at"] // 1000
        return CALENDAR[of.name](EPOCH + timedelta(seconds=second + seconds_ahead(memory.zone, second)))
    if of.type is Type.MONEY:
        cents = event["price"] * event["quantity"] if of.name == "total" else event[of.name]
        there = event["currency"] == memory.currency and cents.bit_length() < 64
        return Decimal(cents).scaleb(-2) if there else None
    return event[of.name]


def number(text: str | None) -> Decimal | None:
    """The text of an attribute as a number; None if it is missing or none."""
    return Decimal(text).normalize() + 0 if text is not None and NUMBER.fullmatch(text) else None


NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
CALENDAR: dict[str, Callable[[datetime], Any]] = {
    "day": lambda moment: moment.date().isoformat(),
    "hour": lambda moment: moment.hour,
    "weekday": lambda moment: WEEKDAYS[moment.weekday()],
    "month": lambda moment: moment.month,
}
