"""Bad input, refused without looking at the customer's state; and what has no effect, by that state."""

import math
from collections.abc import Iterator
from typing import Any

from segments.engine.customer import Customer, id_digest
from segments.engine.records import PROFILES, TRANSACTIONS, Event, Record, Refusal
from segments.language.nodes.durations import DAY

LONGEST_ID = 128
"""Bytes."""
LONGEST_TEXT = 4_096
"""Bytes of one text of an event: the longest URLs that browsers and shops use are half of it."""
LONGEST_EVENT = 1_048_576
"""Bytes of a record's value: what Kafka's producers send uncompressed by default."""
LONGEST_ERROR = 1_000
"""Characters of the text that tells why a record was refused; it becomes a header."""
SHOWN = 40
"""Characters of a text of the record that such a text repeats."""
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
        named = shown(event["customer_id"])
        return Refusal("key_mismatch", f"The key {shown(key)} is not the customer_id {named}.")
    name = event["event_id"]
    if not name or (4 * len(name) > LONGEST_ID and len(name.encode()) > LONGEST_ID):
        return Refusal("invalid_id", f"The event_id {shown(name)} is empty or over {LONGEST_ID} bytes.")
    if record.at > record.timestamp + FUTURE:
        ahead = record.at - record.timestamp
        return Refusal(
            "from_the_future", f"occurred_at is {ahead} ms after the Kafka timestamp: at most {FUTURE}."
        )
    if not FIRST <= record.at <= LAST:
        return Refusal(
            "undecodable", f"occurred_at is {record.at}, which is no instant of the years 1 to 9999."
        )
    if record.topic == PROFILES:
        record.over = too_long(record)
        return _not_finite(event)
    wrong = _transaction(event) if record.topic == TRANSACTIONS else None
    return wrong or too_long(record)


def short(error: str) -> str:
    """An error of at most 1,000 characters."""
    return error if len(error) <= LONGEST_ERROR else error[: LONGEST_ERROR - 1] + "…"


def shown(value: str | bytes) -> str:
    """A text or key as an error repeats it: the beginning, control characters escaped."""
    return repr(value) if len(value) <= SHOWN else f"{value[:SHOWN]!r}…"


def too_long(record: Record) -> Refusal | None:
    """Why an event is too long, None if it is not."""
    size = len(record.value or b"")
    if size > LONGEST_EVENT:
        return Refusal("too_long", f"The record has {size} bytes: at most {LONGEST_EVENT} were expected.")
    # A text is not longer than the record that it is in; without its bytes each text is looked at.
    if record.value is not None and size <= LONGEST_TEXT:
        return None
    found = next(_long_texts("", record.event), None)
    if found is None:
        return None
    path, length = found
    return Refusal("too_long", f"{path} has {length} bytes: at most {LONGEST_TEXT} were expected.")


def _long_texts(path: str, value: Any) -> Iterator[tuple[str, int]]:
    """The texts within a value that are too long, with the name of the field and their bytes."""
    if isinstance(value, str):
        length = len(value.encode()) if 4 * len(value) > LONGEST_TEXT else 0
        if length > LONGEST_TEXT:
            yield path, length
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _long_texts(f"a name in {path}", name)
            yield from _long_texts(f"{path}.{name[:SHOWN]}" if path else name, each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _long_texts(f"{path}[{number}]", each)


def _not_finite(event: Event) -> Refusal | None:
    for name, value in event["attributes"].items():
        if isinstance(value, float) and not math.isfinite(value):
            return Refusal(
                "not_finite", f"attributes.{name[:SHOWN]} is {value}: a finite number was expected."
            )
    return None


def takes_consent(customer: Customer, event: Event) -> bool:
    """Whether a profile takes away a consent that the customer has given."""
    new = event["consents"]
    return any(given and new.get(name) is not True for name, given in customer.consents.items())


def consents_alone(customer: Customer, record: Record, most: int) -> Record:
    """A profile over a limit as it takes effect: its consents, beside the attributes that are held.

    So that they can't be what is too much: names over 4,096 bytes are left out, and if the rest has more than `most`
    bytes, all names that are not held.
    """
    event: Event = record.event  # type: ignore[assignment]
    consents = {
        name: given
        for name, given in event["consents"].items()
        if name in customer.consents or len(name.encode()) <= LONGEST_TEXT
    }
    if sum(len(name.encode()) for name in consents) > most:
        consents = {name: given for name, given in consents.items() if name in customer.consents}
    alone = event | {"attributes": customer.profile, "consents": consents}
    made = Record(record.topic, record.offset, record.timestamp, record.key, record.value, alone)
    made.digest = record.digest
    return made


def _transaction(event: Event) -> Refusal | None:
    if event["kind"] not in ("purchase", "refund"):
        return Refusal(
            "unknown_kind", f"kind is {shown(event['kind'])}: 'purchase' or 'refund' was expected."
        )
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


def too_old(record: Record, clock: int, retention: int) -> bool:
    """Whether no rule looks back so far; a profile never is."""
    return record.topic != PROFILES and record.at + retention < clock


def _ignored(customer: Customer, topic: str, at: int, clock: int, retention: int) -> bool:
    erased = customer.erased_at
    if erased is not None and at <= erased and erased + retention >= clock:
        return True
    if topic == PROFILES:
        return customer.profile_at is not None and at < customer.profile_at
    return at + retention < clock
