"""Records of the input topics, in few words: times are milliseconds after `START`."""

from dataclasses import dataclass
from typing import Any

from segments.language.catalogue import CLICKSTREAM, TRANSACTIONS, Topic
from segments.language.truth.life import Step
from tests.kit.events import whole

START = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record as it arrives in a topic, before it has an offset."""

    topic: str
    customer: str
    event: Event | None
    """None erases the customer."""
    timestamp: int
    """When Kafka took it in."""
    refused: str = ""
    """Why it is refused without a look at the customer, if it is."""

    @property
    def time(self) -> int:
        """When it occurred: an erasure, when Kafka took it in."""
        return self.timestamp if self.event is None else int(self.event["occurred_at"])

    def step(self, offset: int, partition: int = 0) -> Step:
        """The record as the oracle takes it."""
        event_id = None if self.event is None else self.event["event_id"]
        cause = {"topic": self.topic, "partition": partition, "offset": offset, "event_id": event_id}
        return Step(cause, self.event, self.timestamp)


def click(at: int, kind: str, customer: str = "ann", id: str = "", lag: int = 0, **fields: Any) -> Arrival:
    """A click that Kafka takes in `lag` milliseconds after it occurred."""
    return event_of(CLICKSTREAM, at, kind, customer, id, lag, fields)


def transaction(
    at: int,
    kind: str = "purchase",
    amount: int = 10_00,
    customer: str = "ann",
    id: str = "",
    lag: int = 0,
    **fields: Any,
) -> Arrival:
    """A transaction; money is in cents."""
    usual = {"amount": amount, "order_id": "o1", "currency": "EUR"}
    return event_of(TRANSACTIONS, at, kind, customer, id, lag, fields, usual)


def event_of(
    topic: Topic,
    at: int,
    kind: str,
    customer: str,
    id: str,
    lag: int,
    fields: Event,
    usual: Event | None = None,
) -> Arrival:
    """An event of any topic with these fields; else with the usual ones, else null or empty."""
    named = _named(at, customer, id or f"{kind}@{at}") | {"kind": kind}
    return Arrival(topic.name, customer, whole(topic, named | (usual or {})) | fields, START + at + lag)


def item(product_id: str, price: int = 10_00, quantity: int = 1, category: str | None = None) -> Event:
    """A line of an order."""
    return {"product_id": product_id, "category": category, "quantity": quantity, "price": price}


def profile(
    at: int, customer: str = "ann", id: str = "", lag: int = 0, topic: str = "profiles", **known: Any
) -> Arrival:
    """A profile of a source; `consents` and `lists` are those dictionaries, all else are attributes."""
    maps = {name: known.pop(name, {}) for name in ("consents", "lists")}
    event = _named(at, customer, id or f"profile@{at}") | {"attributes": known} | maps
    return Arrival(topic, customer, event, START + at + lag)


def erase(at: int, customer: str = "ann", topic: str = "profiles") -> Arrival:
    """A null profile."""
    return Arrival(topic, customer, None, START + at)


def _named(at: int, customer: str, id: str) -> Event:
    return {"event_id": id, "customer_id": customer, "occurred_at": START + at}
