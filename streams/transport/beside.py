"""Topics that are read beside those of the group: a deployment may add one, without any member having to join anew.

Who owns a partition of the inputs reads that partition of these topics too. Nothing is fetched before `place`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from streams.kafka.closing import closed, started
from streams.transport.fetch import fetch_runs
from streams.transport.runs import Run

log = logging.getLogger(__name__)

WAIT = 0.2
"""Seconds for which a fetch waits; `place` waits for one at most."""
METADATA_AGE = 5_000
"""Milliseconds after which the topics are looked at again, as for the group's."""
AGAIN = 1.0
"""Seconds before the next attempt when Kafka is away."""


class Beside:
    """Fetches partitions of any topics from where it is told, and gives the runs to `deliver`."""

    def __init__(self, client: Mapping[str, Any], deliver: Callable[[Run], None]) -> None:
        """Connect to nothing yet: a worker without such topics never does."""
        self._client = dict(client)
        self._deliver = deliver
        self._consumer: AIOKafkaConsumer | None = None
        self._at: dict[TopicPartition, int] = {}
        """The next offset of each partition."""
        self._held: set[TopicPartition] = set()
        self._changing = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def place(self, positions: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from these offsets on; others go on where they are."""
        async with self._changing:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(
                    **self._client,
                    enable_auto_commit=False,
                    auto_offset_reset="earliest",
                    isolation_level="read_committed",
                    fetch_max_wait_ms=int(WAIT * 1000),
                    retry_backoff_ms=100,
                    metadata_max_age_ms=METADATA_AGE,
                )
                self._consumer = await started(consumer)
            self._at.update(positions)
            self._held.difference_update(positions)
            if self._consumer.assignment() != set(self._at):
                self._consumer.assign(list(self._at))
                sought: Mapping[TopicPartition, int] = self._at
            else:
                sought = positions
            for partition, offset in sought.items():
                self._consumer.seek(partition, offset)
                (self._consumer.pause if partition in self._held else self._consumer.resume)(partition)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="beside")

    def hold(self, partition: TopicPartition, held: bool) -> None:
        """Stop or restart fetching a partition; nothing that was fetched is lost."""
        if partition not in self._at or self._consumer is None:
            return
        (self._held.add if held else self._held.discard)(partition)
        try:
            (self._consumer.pause if held else self._consumer.resume)(partition)
        except IllegalStateError:
            log.debug("%r is placed at this moment, with what it is held by", partition)

    def end(self, partition: TopicPartition) -> int:
        """The last stable offset as the latest fetch told it; 0 if none did."""
        if partition not in self._at or self._consumer is None:
            return 0
        return self._consumer.last_stable_offset(partition) or 0

    async def stop(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()
        if self._consumer is not None:
            await closed(self._consumer.stop())

    async def _read(self) -> None:
        while True:
            try:
                await self._read_some()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning(
                    "%s: %r, trying again", ", ".join(sorted({each.topic for each in self._at})), error
                )
                await asyncio.sleep(AGAIN)

    async def _read_some(self) -> None:
        async with self._changing:
            assert self._consumer is not None  # noqa: S101 - this began when it was made
            topics = {each.topic for each in self._at}
            wanted = frozenset(self._at).difference(self._held)
            runs, _ = await fetch_runs(self._consumer, wanted, WAIT, raw=topics)
            for run in runs:
                self._at[TopicPartition(run.topic, run.partition)] = run.end
        for run in runs:
            self._deliver(run)
        # The lock is given to whoever waits for it: without this the loop would take it again at once.
        await asyncio.sleep(0)
