"""Bad input, refused without looking at the customer's state; and what has no effect, by that state."""

from segments.engine.customer import Customer, id_digest
from segments.engine.records import PROFILES, TRANSACTIONS, Event, Record, Refusal
from segments.language.nodes.durations import DAY

LONGEST_ID = 128
"""Bytes."""
FUTURE = 5 * 60_000
"""Milliseconds that an event may be ahead of its Kafka timestamp."""
FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999
"""The first and the last millisecond of the years 1 to 9999."""
TOO_MUCH = 10**12
"""Cents: an amount of precision 12 and scale 2 is smaller."""


def refusal(record: Record) -> Refusal | None:
    """Why a record is refused, None if it is not. Whether its partition is its key's is told by the partition."""
    key, event = record.key, record.event
    if isinstance(event, Refusal):
        return event
    if key is None:
        return Refusal("no_key", "The record has no key: the key is the customer id in UTF-8.")
    if not 0 < len(key) <= LONGEST_ID:
        return Refusal("invalid_id", f"The key has {len(key)} bytes: 1 to {LONGEST_ID} were expected.")
    if event is None:
        if record.topic != PROFILES:
            return Refusal(
                "undecodable", "The value is null: only a profile may be, which erases the customer."
            )
        return None if _is_text(key) else Refusal("invalid_id", "The key is not UTF-8.")
    if event["customer_id"].encode() != key:
        return Refusal("key_mismatch", f"The key {key!r} is not the customer_id {event['customer_id']!r}.")
    name = event["event_id"]
    if not name or (4 * len(name) > LONGEST_ID and len(name.encode()) > LONGEST_ID):
        return Refusal("invalid_id", f"The event_id {name[:40]!r} is empty or over {LONGEST_ID} bytes.")
    if record.at > record.timestamp + FUTURE:
        ahead = record.at - record.timestamp
        return Refusal(
            "from_the_future", f"occurred_at is {ahead} ms after the Kafka timestamp: at most {FUTURE}."
        )
    if not FIRST <= record.at <= LAST:
        return Refusal(
            "undecodable", f"occurred_at is {record.at}, which is no instant of the years 1 to 9999."
        )
    return _transaction(event) if record.topic == TRANSACTIONS else None


def _transaction(event: Event) -> Refusal | None:
    if event["kind"] not in ("purchase", "refund"):
        return Refusal("unknown_kind", f"kind is {event['kind']!r}: 'purchase' or 'refund' was expected.")
    if not 0 <= event["amount"] < TOO_MUCH:
        return Refusal("invalid_amount", "amount is negative or does not fit 12 digits, 2 of them decimals.")
    if any(not -TOO_MUCH < item["price"] < TOO_MUCH for item in event["items"]):
        return Refusal("invalid_amount", "The price of an item does not fit 12 digits, 2 of them decimals.")
    return None


def _is_text(key: bytes) -> bool:
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return True


def without_effect(customer: Customer, record: Record, clock: int, retention: int) -> str | None:
    """The outcome of a record that changes nothing: `duplicate` or `ignored`; None if it is neither."""
    event: Event = record.event  # type: ignore[assignment]
    record.digest = id_digest(record.topic, event["event_id"])
    seen = customer.ids.get(record.digest)
    if seen is not None and max(customer.instant, record.at) < seen + DAY:
        return "duplicate"
    return "ignored" if _ignored(customer, record.topic, record.at, clock, retention) else None


def _ignored(customer: Customer, topic: str, at: int, clock: int, retention: int) -> bool:
    erased = customer.erased_at
    if erased is not None and at <= erased and erased + retention >= clock:
        return True
    if topic == PROFILES:
        return customer.profile_at is not None and at < customer.profile_at
    return at + retention < clock
