"""Records as no producer should send them: seeded, so that a failure can be had again."""

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import schemas

Broken = tuple[str, bytes | None, bytes | None]
"""Topic, key, value."""

DAY = 86_400_000
HUGE = 60_000


@dataclass(slots=True)
class Breaker:
    """Makes broken records: most can't be decoded, some can and are refused, a few are merely odd."""

    now: int
    seed: int = 7
    _random: random.Random = field(init=False)
    _made: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def records(self, count: int) -> Iterator[Broken]:
        """So many of them, of every sort."""
        sorts: tuple[Callable[[str], Broken], ...] = (
            self._truncated, self._flipped, self._appended, self._random_bytes, self._wrong_id, self._of_another,
            self._deep_union, self._lying_length, self._huge, self._null, self._wrong_key, self._out_of_range,
        )  # fmt: skip
        for number in range(count):
            topic = self._random.choice(("clickstream", "transactions", "profiles"))
            yield sorts[number % len(sorts)](topic)

    def _good(self, topic: str, **changes: Any) -> tuple[bytes, bytes]:
        """Key and value of a right record, but for these changes."""
        self._made += 1
        customer = f"odd-{self._random.randrange(200)}"
        at = self.now - self._random.randrange(5 * DAY)
        record = {"event_id": f"odd-{self._made}", "customer_id": customer, "occurred_at": at}
        record |= {"clickstream": CLICK, "transactions": TRANSACTION, "profiles": PROFILE}[topic] | changes
        return customer.encode(), schemas.encode(schemas.RECORD_OF_TOPIC[topic], record)

    def _truncated(self, topic: str) -> Broken:
        key, value = self._good(topic)
        return topic, key, value[: self._random.randrange(len(value))]

    def _flipped(self, topic: str) -> Broken:
        key, value = self._good(topic)
        flipped = bytearray(value)
        for _ in range(self._random.randrange(1, 6)):
            flipped[self._random.randrange(len(flipped))] ^= 1 << self._random.randrange(8)
        return topic, key, bytes(flipped)

    def _appended(self, topic: str) -> Broken:
        key, value = self._good(topic)
        return topic, key, value + self._random.randbytes(self._random.randrange(1, 50))

    def _random_bytes(self, topic: str) -> Broken:
        key, value = self._good(topic)
        size = self._random.randrange(300)
        header = value[:5] if self._random.random() < 0.7 else b""
        return topic, key, header + self._random.randbytes(size)

    def _wrong_id(self, topic: str) -> Broken:
        key, value = self._good(topic)
        return topic, key, b"\0" + struct.pack(">i", self._random.randrange(-(2**31), 2**31)) + value[5:]

    def _of_another(self, topic: str) -> Broken:
        """A right record of another topic."""
        other = {"clickstream": "transactions", "transactions": "profiles", "profiles": "clickstream"}[topic]
        key, value = self._good(other)
        return topic, key, value

    def _deep_union(self, topic: str) -> Broken:
        """Branches of unions, blocks of maps and arrays, as no writer would make them: far, negative, endless."""
        key, value = self._good(topic)
        cut = self._random.randrange(5, len(value))
        numbers = (varint(self._random.choice((-1, 2, 7, -(2**62), 2**62, 2**31))) for _ in range(400))
        return topic, key, value[:cut] + b"".join(numbers)

    def _lying_length(self, topic: str) -> Broken:
        """A text that says it is longer than the record, or than all memory."""
        key, value = self._good(topic)
        return topic, key, value[:5] + varint(self._random.choice((-5, 2**20, 2**40, 2**63 - 1))) + value[6:]

    def _huge(self, topic: str) -> Broken:
        """An event id of 60,000 characters in one of eight, else a customer id that is a little too long."""
        if self._random.random() < 0.12:
            key, value = self._good(topic, event_id="e" * HUGE)
            return topic, key, value
        customer = "c" * self._random.randrange(129, 400)
        _, value = self._good(topic, customer_id=customer)
        return topic, customer.encode(), value

    def _null(self, topic: str) -> Broken:
        """No value, or no key; a compacted topic refuses the latter by itself."""
        key, value = self._good(topic)
        if topic == "profiles":
            return topic, self._random.choice((key, b"\xff\xfe", b"", b"x" * 200)), None
        return (topic, None, value) if self._random.random() < 0.5 else (topic, key, None)

    def _wrong_key(self, topic: str) -> Broken:
        key, value = self._good(topic)
        return topic, self._random.choice((key + b"!", b"\xff" + key, b"", self._random.randbytes(12))), value

    def _out_of_range(self, topic: str) -> Broken:
        """What can be decoded and is refused: times, amounts, kinds."""
        if topic == "transactions":
            change = self._random.choice(({"amount": -1}, {"amount": 10**13}, {"kind": "gift"}))
        else:
            change = {"occurred_at": self._random.choice((self.now + DAY, 2**62, -(2**62), 0))}
        key, value = self._good(topic, **change)
        return topic, key, value


CLICK = {"kind": "page_view", "attributes": {"campaign": "spring"}} | dict.fromkeys(
    ("session_id", "page", "product_id", "category", "channel")
)
TRANSACTION = {
    "kind": "purchase", "order_id": "o", "amount": 1_000, "currency": "EUR", "channel": None,
    "items": [{"product_id": "p", "category": None, "quantity": 1, "price": 1_000}],
}  # fmt: skip
PROFILE = {"attributes": {"country": "NL", "age": 31.0, "vip": True}, "consents": {"marketing": True}}


def varint(number: int) -> bytes:
    """A number as Avro writes it: zigzag, seven bits a byte."""
    rest, written = (number << 1) ^ (number >> 63), bytearray()
    while rest >= 0x80:
        written.append(rest & 0x7F | 0x80)
        rest >>= 7
    written.append(rest)
    return bytes(written)
