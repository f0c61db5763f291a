"""Topics read as fast as the broker sends them: the engine splits the fetches, nothing is unpacked by a client.

kafka-python, which the other commands read with, takes 12 µs to unpack a record with the headers of an outcome; the
engine takes 0.6 µs, its values in Python included.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from segments.engine import Records
from streams.errors import BrokerAway
from streams.kafka.closing import closed, started
from streams.kafka.connection import connection
from streams.kafka.read_committed import SILENCE_SECONDS
from streams.settings.settings import Settings
from streams.transport.reading import turns

FETCH_BYTES = 4_194_304
"""Of one partition at a time: a quarter of the requests of the default, which is a megabyte."""

T = TypeVar("T")


class Fetching:
    """A consumer of committed records, and the event loop that it runs in."""

    def __init__(self, settings: Settings) -> None:
        """Connect. Raises BrokerAway."""
        self._settings = settings
        self._runner = asyncio.Runner()
        try:
            self._consumer: AIOKafkaConsumer = self._run(self._started())
        except BaseException:
            self._runner.close()
            raise

    async def _started(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(
            **connection(self._settings),
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
        )
        return await started(consumer)

    async def _place(self, partition: TopicPartition, offset: int) -> None:
        self._consumer.assign([partition])
        self._consumer.seek(partition, offset)

    def _run(self, what: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(what)
        except (KafkaError, OSError, TimeoutError) as error:
            raise BrokerAway(self._settings.brokers, error) from error

    def close(self) -> None:
        """Disconnect."""
        try:
            self._run(closed(self._consumer.stop()))
        finally:
            self._runner.close()

    def records(self, topic: str, number: int, start: int, end: int) -> Iterator[tuple[Records, int]]:
        """What a partition holds in the offsets [start, end), and by how many of them the reader moves on."""
        partition, at = TopicPartition(topic, number), start
        self._run(self._place(partition, start))
        found = turns(self._consumer, partition, start, end, SILENCE_SECONDS)
        while (turn := self._run(_next(found))) is not None:
            records, position = turn
            yield records, position - at
            at = position


async def _next(found: AsyncIterator[T]) -> T | None:
    return await anext(found, None)


@contextmanager
def fetching(settings: Settings) -> Iterator[Fetching]:
    """A `Fetching` for as long as the block runs."""
    found = Fetching(settings)
    try:
        yield found
    finally:
        found.close()
