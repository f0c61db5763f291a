"""Topics read as fast as the broker sends them: the engine splits the fetches, nothing is unpacked by a client.

kafka-python, which the other commands read with, takes 12 µs to unpack a record with the headers of an outcome; the
engine takes 0.6 µs, its values in Python included.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterator
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
from streams.transport.fetch import fetch_runs

FETCH_BYTES = 4_194_304
"""Of one partition at a time: a quarter of the requests of the default, which is a megabyte."""
WAIT_SECONDS = 0.2
"""For records: after it the clock is looked at."""

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
        except (KafkaError, OSError) as error:
            raise BrokerAway(self._settings.brokers, error) from error

    def close(self) -> None:
        """Disconnect."""
        try:
            self._run(closed(self._consumer.stop()))
        finally:
            self._runner.close()

    def records(self, topic: str, number: int, start: int, end: int) -> Iterator[tuple[Records, int]]:
        """What a partition holds in the offsets [start, end), and by how many of them the reader moves on."""
        partition = TopicPartition(topic, number)
        self._run(self._place(partition, start))
        at, heard = start, time.monotonic()
        while at < end:
            runs, _ = self._run(fetch_runs(self._consumer, {partition}, WAIT_SECONDS, raw={topic}))
            for run in runs:
                if run.end > end:
                    offsets = [each[0] for each in run.records.raw()]
                    run.records.split_off(sum(offset < end for offset in offsets))
                moved = min(run.end, end) - at
                at, heard = at + moved, time.monotonic()
                yield run.records, moved
                if at >= end:
                    return
            if time.monotonic() - heard > SILENCE_SECONDS:
                why = f"nothing came for {SILENCE_SECONDS:.0f} seconds"
                raise BrokerAway(self._settings.brokers, why)


@contextmanager
def fetching(settings: Settings) -> Iterator[Fetching]:
    """A `Fetching` for as long as the block runs."""
    found = Fetching(settings)
    try:
        yield found
    finally:
        found.close()
