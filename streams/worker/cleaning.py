"""Deletes the transfers that a partition has applied: once its position is past them, nobody reads them again."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import KafkaError

from streams.kafka.closing import closed

log = logging.getLogger(__name__)

DELAY = 1.0
"""Seconds from a commit to the deletion, so that the commits of all partitions in between share one request. The
data in a transfer stay in Kafka for about this long."""

TIMEOUT = 10.0
"""Time-out of a request in seconds; after a time-out the next commit tries again."""


class Cleaner:
    """Deletes what lies before the committed positions of the topic of transfers; one for all partitions of a worker.

    A deletion that fails is made again after the next commit: nothing depends on it but the room that records take.
    """

    def __init__(self, client: Mapping[str, Any], topic: str) -> None:
        """Do not connect before there is something to delete."""
        self._client = client
        self._topic = topic
        self._due: dict[int, int] = {}
        self._done: dict[int, int] = {}
        self._admin: AIOKafkaAdminClient | None = None
        self._task: asyncio.Task[None] | None = None
        self._said: str | None = None

    def committed(self, number: int, offset: int) -> None:
        """Note the position of a partition, which was just committed."""
        if offset <= self._done.get(number, 0):
            return
        self._due[number] = offset
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._delete_soon(), name="transfers")

    async def _delete_soon(self) -> None:
        await asyncio.sleep(DELAY)
        due, self._due = self._due, {}
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._delete(due)
        except (KafkaError, OSError, TimeoutError, RuntimeError) as error:
            said = type(error).__name__
            if said != self._said:
                log.warning("%s: what was applied is not deleted yet: %r", self._topic, error)
            self._said = said
            return
        self._done |= due
        self._said = None
        if self._due:
            # Commits made during the request found this task running and started no other.
            self._task = asyncio.create_task(self._delete_soon(), name="transfers")

    async def _delete(self, due: Mapping[int, int]) -> None:
        if self._admin is None:
            admin = AIOKafkaAdminClient(**self._client)
            await admin.start()
            self._admin = admin
        wanted = {TopicPartition(self._topic, number): offset for number, offset in due.items()}
        await self._admin.delete_records(
            {place: RecordsToDelete(before_offset=offset) for place, offset in wanted.items()}
        )

    async def stop(self) -> None:
        """Disconnect; the next owner of a partition deletes what is left."""
        if self._task is not None:
            self._task.cancel()
        admin, self._admin = self._admin, None
        if admin is not None:
            await closed(admin.close())
