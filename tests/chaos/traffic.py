"""What customers do, by a seed: events, and everything that goes wrong on their way.

Late events, duplicates, records that are bad in every way that there is, erasures; and between them transactions of
other producers, some of them aborted, so that offsets have holes.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException, Producer

import schemas
from segments.engine import partition_of

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
CLICKS, MONEY, PROFILES = "clickstream", "transactions", "profiles"
KINDS = (
    "page_view",
    "page_view",
    "product_view",
    "product_view",
    "cart_add",
    "checkout",
    "login",
    "email_open",
    "search",
)


@dataclass(frozen=True, slots=True)
class Message:
    """A record on its way to Kafka; without a partition it goes where its key belongs."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None


@dataclass(slots=True)
class Shop:
    """Makes messages; the same seed and the same instants give the same ones."""

    seed: int
    partitions: int
    made: int = 0
    chance: random.Random = field(init=False)
    recent: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"shop {self.seed}")

    def event(self, customer: str, at: int) -> Message:
        """A click, a transaction or a profile."""
        self.made += 1
        draw = self.chance.random()
        base = {"event_id": f"e{self.made}", "customer_id": customer, "occurred_at": at}
        if draw < 0.75:
            topic, event = CLICKS, base | self._click()
        elif draw < 0.95:
            topic, event = MONEY, base | self._transaction()
        else:
            topic, event = PROFILES, base | self._profile()
        message = Message(topic, customer.encode(), schemas.encode(schemas.RECORD_OF_TOPIC[topic], event))
        self.recent = [*self.recent[-199:], message]
        return message

    def again(self) -> Message:
        """One of the latest once more."""
        return self.chance.choice(self.recent)

    def _click(self) -> dict[str, Any]:
        return {
            "kind": self.chance.choice(KINDS), "session_id": None, "page": "/", "product_id": f"p{self.chance.randrange(4)}",
            "category": self.chance.choice(("shoes", "bikes", None)), "channel": "web", "attributes": {},
        }  # fmt: skip

    def _transaction(self) -> dict[str, Any]:
        price = self.chance.randrange(100, 30_000)
        item = {
            "product_id": f"p{self.chance.randrange(4)}",
            "category": "shoes",
            "quantity": 1,
            "price": price,
        }
        return {
            "kind": self.chance.choice(("purchase", "purchase", "purchase", "refund")), "order_id": f"o{self.made}", "amount": price,
            "currency": self.chance.choice(("EUR", "EUR", "EUR", "USD")), "channel": None, "items": [item],
        }  # fmt: skip

    def _profile(self) -> dict[str, Any]:
        country = self.chance.choice(("NL", "BE", "DE"))
        return {"attributes": {"country": country}, "consents": {"marketing": self.chance.random() < 0.6}}

    def bad(self, customer: str, at: int) -> Message:
        """A record that must be refused, in one of all ways."""
        self.made += 1
        return self.chance.choice(BAD)(self, customer, at)

    def erase(self, customer: str) -> Message:
        """A null profile."""
        return Message(PROFILES, customer.encode(), None)

    def changed(self, topic: str, customer: str, at: int, **fields: Any) -> Message:
        """An event with some fields as they should not be."""
        made = {CLICKS: self._click, MONEY: self._transaction, PROFILES: self._profile}[topic]()
        event = {"event_id": f"b{self.made}", "customer_id": customer, "occurred_at": at} | made | fields
        return Message(topic, customer.encode(), schemas.encode(schemas.RECORD_OF_TOPIC[topic], event))


def _garbage(shop: Shop, customer: str, _at: int) -> Message:
    return Message(shop.chance.choice((CLICKS, MONEY, PROFILES)), customer.encode(), b"\x00\x00\x00\x00")


def _cut_short(shop: Shop, customer: str, at: int) -> Message:
    whole = shop.changed(CLICKS, customer, at)
    return Message(CLICKS, whole.key, (whole.value or b"")[:-7])


def _unknown_schema(shop: Shop, customer: str, at: int) -> Message:
    whole = shop.changed(MONEY, customer, at)
    return Message(MONEY, whole.key, b"\x00\x00\x01\xe2\x40" + (whole.value or b"")[5:])


def _null(_shop: Shop, customer: str, _at: int) -> Message:
    return Message(CLICKS, customer.encode(), None)


def _no_key(shop: Shop, customer: str, at: int) -> Message:
    whole = shop.changed(CLICKS, customer, at)
    return Message(CLICKS, None, whole.value, shop.chance.randrange(shop.partitions))


def _key_of_another(shop: Shop, customer: str, at: int) -> Message:
    return Message(MONEY, customer.encode(), shop.changed(MONEY, f"{customer}-other", at).value)


def _elsewhere(shop: Shop, customer: str, at: int) -> Message:
    whole = shop.changed(MONEY, customer, at)
    wrong = (partition_of(customer.encode(), shop.partitions) + 1) % shop.partitions
    return Message(MONEY, whole.key, whole.value, wrong)


def _no_id(shop: Shop, customer: str, at: int) -> Message:
    return shop.changed(CLICKS, customer, at, event_id="")


def _long_id(shop: Shop, customer: str, at: int) -> Message:
    return shop.changed(PROFILES, customer, at, event_id="i" * 200)


def _owed(shop: Shop, customer: str, at: int) -> Message:
    return shop.changed(MONEY, customer, at, amount=-500)


def _from_the_future(shop: Shop, customer: str, _at: int) -> Message:
    return shop.changed(CLICKS, customer, int(time.time() * 1000) + HOUR)


BAD = (
    _garbage, _cut_short, _unknown_schema, _null, _no_key, _key_of_another, _elsewhere, _no_id, _long_id, _owed,
    _from_the_future,
)  # fmt: skip


def history(
    shop: Shop,
    count: int,
    customers: int,
    days: int = 100,
    others: Callable[[int], Message | None] = lambda _at: None,
) -> Iterator[Message]:
    """So many messages of the past, in order but for those that are late; at the end some of this very hour.

    `others` may have a message of its own for an instant.
    """
    chance, now = shop.chance, int(time.time() * 1000)
    step = days * DAY // count
    for number in range(count):
        customer = f"c{int(customers * chance.random() ** 2)}"
        at = now - days * DAY + number * step
        draw = chance.random()
        if number > count * 0.97:
            at = now - HOUR + chance.randrange(HOUR + 4 * MINUTE)
        elif draw < 0.1:
            at -= chance.randrange(1, 3 * DAY)
        yield others(at) or _or_worse(shop, customer, at, erasures=number > count * 0.6)


def _or_worse(shop: Shop, customer: str, at: int, *, erasures: bool) -> Message:
    """An event, or what else comes over the wire."""
    draw = shop.chance.random()
    if draw < 0.03 and shop.recent:
        return shop.again()
    if draw < 0.05:
        return shop.bad(customer, at)
    if draw < 0.053 and erasures:
        return shop.erase(customer)
    return shop.event(customer, at)


class Sender:
    """Sends messages; in transactions if told to, of which some are aborted."""

    def __init__(self, address: str) -> None:
        """Connect when the first message is sent."""
        self._settings = {
            "bootstrap.servers": address, "partitioner": "murmur2_random", "linger.ms": 2, "log_level": 0,
            "message.timeout.ms": 120_000, "enable.idempotence": True,
        }  # fmt: skip
        self._plain = Producer(self._settings)

    def send(self, message: Message) -> None:
        """Send one at once."""
        _produce(self._plain, message)

    def send_all(self, messages: Iterable[Message], chance: random.Random) -> int:
        """Send many, by runs: most plainly, some in a transaction, some in one that is aborted; returns how many are there to be read."""
        count, run = 0, list[Message]()
        for message in messages:
            run.append(message)
            if len(run) >= 200:
                count += self._send_run(run, chance)
                run = []
        count += self._send_run(run, chance)
        self.flush()
        return count

    def _send_run(self, run: list[Message], chance: random.Random) -> int:
        count, begin = len(run), 0
        if chance.random() < 0.3:
            commit, begin = chance.random() < 0.5, len(run) // 4
            self.in_transaction(run[:begin], commit)
            count -= 0 if commit else begin
        for message in run[begin:]:
            _produce(self._plain, message)
        self.flush()
        return count

    def in_transaction(self, messages: Iterable[Message], commit: bool) -> None:
        """Send some in a transaction; if it is aborted, nobody is to see them."""
        with suppress(KafkaException):  # the broker is away: committed or not, readers will see
            self._in_transaction(messages, commit)

    def _in_transaction(self, messages: Iterable[Message], commit: bool) -> None:
        producer = Producer(
            self._settings | {"transactional.id": f"other-{id(self)}", "message.timeout.ms": 30_000}
        )
        producer.init_transactions(30)
        producer.begin_transaction()
        for message in messages:
            _produce(producer, message)
        producer.flush(30)  # an abort would forget what was not sent yet
        (producer.commit_transaction if commit else producer.abort_transaction)(30)

    def flush(self) -> None:
        """Wait until all is with the broker."""
        left = self._plain.flush(120)
        assert left == 0, f"{left} messages could not be sent in two minutes"


def _produce(producer: Producer, message: Message) -> None:
    where = {} if message.partition is None else {"partition": message.partition}
    producer.produce(message.topic, message.value, message.key, **where)
    producer.poll(0)
