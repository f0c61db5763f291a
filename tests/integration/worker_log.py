"""What the tests of the worker need of Kafka: events to produce, and what must come of them.

What must come is worked out by the engine itself, driven in this process with the very records that the topics hold:
a record lost, doubled or applied out of order gives other segment events.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Producer, TopicPartition

import schemas
from segments.engine import INPUTS, EngineSettings, Partition, Record, load
from streams.worker.decode import decode
from tests.kit.consumers import committed, consumer_of

DAY = 86_400_000
EVENT_CLOCK = {"SEGMENTS_CLOCK": "event"}
"""The wall clock left out."""
RULES = Path("segments")

Event = tuple[str, str, dict[str, Any] | None]
"""Topic, customer, record."""


@dataclass(slots=True)
class Shop:
    """A made-up shop whose customers browse, buy and fill in profiles; the same seed gives the same events."""

    seed: int = 1
    customers: int = 300
    shares: tuple[float, float] = (0.8, 0.97)
    """Up to the first share of the events are clicks, up to the second transactions, the rest profiles."""
    made: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Seed it."""
        self._random = random.Random(self.seed)

    def events(self, count: int, start: int, step: int) -> Iterator[Event]:
        """Make events, one every `step` milliseconds from `start` on."""
        for number in range(count):
            self.made += 1
            yield self._event(start + number * step)

    def _event(self, at: int) -> Event:
        dice = self._random
        customer = f"c{dice.randrange(self.customers)}"
        base = {"event_id": f"e{self.made}", "customer_id": customer, "occurred_at": at}
        draw = dice.random()
        if draw < self.shares[0]:
            return "clickstream", customer, base | self._click()
        if draw < self.shares[1]:
            return "transactions", customer, base | self._transaction()
        return "profiles", customer, base | {"attributes": {"country": "NL"}, "consents": {"marketing": True}}

    def _click(self) -> dict[str, Any]:
        kind = self._random.choice(("page_view", "page_view", "product_view", "cart_add", "checkout"))
        product = f"p{self._random.randrange(5)}"
        return {
            "kind": kind, "session_id": None, "page": "/", "product_id": product, "category": "shoes",
            "channel": "web", "attributes": {},
        }  # fmt: skip

    def _transaction(self) -> dict[str, Any]:
        amount = self._random.randrange(100, 30_000)
        line = {"product_id": "p1", "category": "shoes", "quantity": 1, "price": amount}
        return {
            "kind": "purchase", "order_id": f"o{self.made}", "amount": amount, "currency": "EUR", "channel": None,
            "items": [line],
        }  # fmt: skip


def produce(address: str, events: Iterable[Event], rate: float = 0) -> int:
    """Send events, at a rate (events a second) or as fast as can be; returns how many."""
    producer = Producer(
        {
            "bootstrap.servers": address,
            "partitioner": "murmur2_random",
            "linger.ms": 2 if rate else 20,
            "log_level": 0,
        }
    )
    began, count = time.monotonic(), 0
    for topic, customer, event in events:
        value = None if event is None else schemas.encode(schemas.RECORD_OF_TOPIC[topic], event)
        producer.produce(topic, value, customer.encode())
        count += 1
        if rate:
            time.sleep(max(0.0, began + count / rate - time.monotonic()))
        if count % 500 == 0 or rate:
            producer.poll(0)
    assert producer.flush(30) == 0
    return count


def send(
    address: str, records: Iterable[tuple[str, bytes | None, bytes | None]], partition: int | None = None
) -> None:
    """Send raw records: topic, value, key; to the partition of their key if none is named."""
    producer = Producer({"bootstrap.servers": address, "partitioner": "murmur2_random", "log_level": 0})
    where = {} if partition is None else {"partition": partition}
    for topic, value, key in records:
        producer.produce(topic, value, key, **where)
    assert producer.flush(30) == 0


@dataclass(frozen=True, slots=True)
class Read:
    """A record as a consumer of committed records sees it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def read(address: str, topic: str) -> list[Read]:
    """Read a whole topic, committed records only, in the order of each partition."""
    found, ended, deadline = [], set(), time.monotonic() + 60
    with closing(consumer_of(address, "reader")) as consumer:
        numbers = list(consumer.list_topics(topic, 10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
        while len(ended) < len(numbers):
            assert time.monotonic() < deadline, f"{topic} could not be read in a minute"
            for message in consumer.consume(5000, 1):
                if message.error():
                    ended.add(message.partition())
                else:
                    found.append(_read(message))
    return found


def _read(message: Any) -> Read:
    return Read(
        message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.key(),
        message.value(), tuple(message.headers() or ()),
    )  # fmt: skip


Outputs = dict[str, list[dict[str, Any]]]


def expected(address: str, rules: Path = RULES, settings: EngineSettings | None = None) -> Outputs:
    """Work out the segment events of each customer from what the input topics hold, without the wall clock."""
    by_partition: dict[int, dict[str, list[Read]]] = defaultdict(lambda: {topic: [] for topic in INPUTS})
    count = 0
    for topic in INPUTS:
        for each in read(address, topic):
            by_partition[each.partition][topic].append(each)
    count = partitions(address)
    outputs: Outputs = defaultdict(list)
    for number in range(count):
        for key, event in _run(
            number, count, load([rules]), settings or EngineSettings(), by_partition[number]
        ):
            outputs[key.decode()].append(event)
    return dict(outputs)


def _run(
    number: int, count: int, rules: Any, settings: EngineSettings, inputs: dict[str, list[Read]]
) -> list[tuple[bytes, dict[str, Any]]]:
    partition = Partition(number, count, rules, settings, {})
    ends = {topic: (reads[-1].offset + 1 if reads else 0) for topic, reads in inputs.items()}
    for topic, reads in inputs.items():
        partition.begin(topic, 0)
        partition.offer(topic, 0, _records(topic, reads), ends[topic])
    partition.confirm(ends, partition.stamp, None)
    while partition.advance(10_000):
        pass
    effects = partition.collect_effects()
    return effects.segment_events if effects is not None else []


def _records(topic: str, reads: list[Read]) -> list[Record]:
    raw: Any = reads
    return decode(topic, raw)


def actual(address: str) -> Outputs:
    """Read the segment events of each customer, in their order."""
    outputs: Outputs = defaultdict(list)
    for each in read(address, "segment-events"):
        assert each.value is not None
        event = schemas.decode(schemas.SEGMENT_EVENT, each.value)
        outputs[event["customer_id"]].append(event | {"emitted_at": 0})
    return dict(outputs)


def partitions(address: str, topic: str = INPUTS[0]) -> int:
    """Return the number of partitions of a topic."""
    with closing(consumer_of(address, "reader")) as consumer:
        return len(consumer.list_topics(topic, 10).topics[topic].partitions)


def behind(address: str, group: str) -> int:
    """Return how many input offsets the group has yet to commit.

    With `read_committed` the broker would not answer while a killed worker's transaction is open: up to a minute.
    """
    with closing(consumer_of(address, group, "read_uncommitted")) as consumer:
        topics = consumer.list_topics(timeout=10).topics
        asked = [TopicPartition(topic, number) for topic in INPUTS for number in topics[topic].partitions]
        known = committed(consumer, asked)
        ends = [consumer.get_watermark_offsets(each, 10)[1] for each in asked]
        return sum(end - max(0, each.offset) for each, end in zip(known, ends, strict=True))


QUIET_SECONDS = 1.0
"""For so long nothing may be written before a group counts as done: between two transactions lie milliseconds."""


def wait_until_caught_up(address: str, group: str, seconds: float = 60) -> None:
    """Wait until the group has committed every offset of the inputs, and then writes nothing any more.

    Flips by time that are due at the last record come in transactions after the one with its offset; and the group's
    offsets may be seen before the outputs of their transaction are.
    """
    deadline = time.monotonic() + seconds
    while (left := behind(address, group)) > 0:
        assert time.monotonic() < deadline, f"{left} offsets are still not committed after {seconds} s"
        time.sleep(0.3)
    with closing(consumer_of(address, "reader")) as consumer:
        written, since = _written(consumer), time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            assert time.monotonic() < deadline + 30, "segment events are still written"
            time.sleep(0.1)
            if (now_written := _written(consumer)) != written:
                written, since = now_written, time.monotonic()


def _written(consumer: Any) -> list[int]:
    """The last stable offset of each partition of the segment events."""
    numbers = consumer.list_topics("segment-events", 10).topics["segment-events"].partitions
    return [
        consumer.get_watermark_offsets(TopicPartition("segment-events", number), 10)[1] for number in numbers
    ]


def assert_same(expected_outputs: Outputs, actual_outputs: Outputs) -> None:
    """Compare customer by customer, saying what is lost, doubled or wrong."""
    wrong = {
        customer: (expected_outputs.get(customer, []), actual_outputs.get(customer, []))
        for customer in expected_outputs.keys() | actual_outputs.keys()
        if expected_outputs.get(customer, []) != actual_outputs.get(customer, [])
    }
    told = [_difference(customer, *pair) for customer, pair in sorted(wrong.items())[:3]]
    assert not wrong, f"{len(wrong)} customers differ, such as\n" + "\n".join(told)


def _difference(customer: str, wanted: list[dict[str, Any]], came: list[dict[str, Any]]) -> str:
    for number, (one, other) in enumerate(zip(wanted, came, strict=False)):
        if one != other:
            fields = {name: (one[name], other[name]) for name in one if one[name] != other[name]}
            return f"{customer}: event {number + 1} of {len(wanted)} differs in {fields}"
    return f"{customer}: expected {len(wanted)} events, came {len(came)}"


def now() -> int:
    """Return milliseconds since 1970."""
    return int(time.time() * 1000)
