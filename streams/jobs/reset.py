"""Deletes everything that a group remembers, so that it is computed again from what the inputs still hold.

Nothing is deleted by force: each partition's states and memberships become null in one transaction, with the
transactional id of its workers. So one that still runs somewhere is fenced, and a state kept in RocksDB learns of it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import GroupIdNotFoundError

from streams.clock import wall_clock
from streams.kafka import group, topics
from streams.kafka.connection import admin, connection
from streams.kafka.read_committed import assign, committed_reader, partitions_of, until
from streams.settings.settings import Settings
from streams.transport import TransactionalProducer
from streams.transport.producer import Batches
from streams.worker.outbox import SEGMENT_MEMBERSHIPS

Report = Callable[["PartitionRecords"], None]


@dataclass(frozen=True, slots=True)
class PartitionRecords:
    """What one partition holds: keys in the changelog, and customers with a membership record."""

    partition: int
    states: tuple[bytes, ...]
    memberships: tuple[bytes, ...]


def remembered(settings: Settings) -> list[PartitionRecords]:
    """What there is to forget. Raises StillRunning while workers of the group run."""
    count = topics.require(settings)
    group.require_stopped(settings)
    changelog = topics.changelog(settings.group).name
    return [
        PartitionRecords(
            number, _alive(settings, changelog, number), _alive(settings, SEGMENT_MEMBERSHIPS, number)
        )
        for number in range(count)
    ]


def forget(settings: Settings, everything: Iterable[PartitionRecords], told: Report) -> None:
    """Forget it: transfers, then the states and memberships of each partition at once, then the group's offsets."""
    with admin(settings) as client:
        _delete_transfers(settings, client)
    for each in everything:
        asyncio.run(_forget(settings, each))
        told(each)
    with admin(settings) as client:
        try:
            client.delete_groups([settings.group])
        except GroupIdNotFoundError:
            return


def _delete_transfers(settings: Settings, client: KafkaAdminClient) -> None:
    """Transfers between partitions are sent again when the inputs are read again."""
    with committed_reader(settings) as consumer:
        ends = consumer.end_offsets(partitions_of(consumer, topics.transfers(settings.group).name))
    client.delete_records({place: end for place, end in ends.items() if end > 0})


def _alive(settings: Settings, topic: str, number: int) -> tuple[bytes, ...]:
    """The keys of a compacted partition whose latest value is not null."""
    place, alive = TopicPartition(topic, number), dict[bytes, None]()
    with committed_reader(settings) as consumer:
        for batch in until(consumer, assign(consumer, [place], from_beginning=True), settings):
            for record in batch:
                if record.value is None:
                    alive.pop(record.key, None)
                else:
                    alive[record.key] = None
    return tuple(alive)


async def _forget(settings: Settings, each: PartitionRecords) -> None:
    producer = TransactionalProducer(connection(settings), settings.group, each.partition)
    try:
        await producer.start()
        batches: Batches = {}
        now, changelog = wall_clock(), topics.changelog(settings.group).name
        producer.add_all(batches, changelog, now, dict.fromkeys(each.states))
        producer.add_all(batches, SEGMENT_MEMBERSHIPS, now, dict.fromkeys(each.memberships))
        await producer.commit(batches, {})
    finally:
        await producer.abandon()
