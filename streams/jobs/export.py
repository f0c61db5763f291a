"""All that the topics hold of one customer, for an access request."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from kafka import KafkaConsumer

import schemas
from segments.engine import IDENTITIES, partition_of
from streams.jobs.dead_letters import letter_of
from streams.kafka.read_committed import DEAD_LETTERS, assign, partitions_of, until
from streams.registry.registry import connect
from streams.settings.settings import Settings


def records(consumer: KafkaConsumer, settings: Settings, topic: str, customer: str) -> Iterator[Any]:
    """The records of a customer in a topic, in their order: read from the one partition that they are in."""
    key = customer.encode()
    partitions = partitions_of(consumer, topic)
    mine = partition_of(key, len(partitions))
    registry = connect(settings)
    for batch in _read(consumer, settings, [each for each in partitions if each.partition == mine]):
        found = [record for record in batch if record.key == key]
        if registry is not None:
            registry.learn_all(topic, (record.value for record in found))
        yield from found


def links(consumer: KafkaConsumer, settings: Settings, ids: Collection[str]) -> Iterator[Any]:
    """The links of these ids, and those into them, which have the keys of others: they may lie in any partition."""
    registry = connect(settings)
    for batch in _read(consumer, settings, partitions_of(consumer, IDENTITIES)):
        if registry is not None:
            registry.learn_all(IDENTITIES, [record.value for record in batch])
        for record in batch:
            if record.value is None:
                continue  # passed over by the workers, too
            try:
                into = schemas.decode("Link", record.value)["into"]
            except schemas.DecodeError:
                into = None
            if into in ids or record.key in [each.encode() for each in ids]:
                yield record


def letters(consumer: KafkaConsumer, settings: Settings, ids: Collection[str]) -> Iterator[Any]:
    """The dead letters with the key of one of these ids, or whose record names one: they may lie in any partition."""
    registry = connect(settings)
    for batch in _read(consumer, settings, partitions_of(consumer, DEAD_LETTERS)):
        for letter in map(letter_of, batch):
            if registry is not None:
                registry.learn_all(letter.topic, [letter.value])
            named = (letter.decoded() or {}).get("customer_id")
            if named in ids or (letter.key or b"").decode(errors="replace") in ids:
                yield letter


def _read(consumer: KafkaConsumer, settings: Settings, partitions: Iterable[Any]) -> Iterator[list[Any]]:
    ends = assign(consumer, list(partitions), from_beginning=True)
    yield from until(consumer, ends, settings)
