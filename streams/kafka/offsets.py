"""Asks the brokers for offsets, over a separate connection.

The consumer's connection won't do: a broker answers the requests of one connection in order, so a question would wait
behind a fetch that waits for data.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka.closing import closed

REQUEST_TIMEOUT = 10.0
METADATA_AGE = 3.0
"""Seconds after which the number of partitions is asked for again. It is one small request for the topics in use; the
default of Kafka's clients, five minutes, is how long events of new partitions would go unnoticed."""


class Offsets:
    """Asks for ends, starts and committed offsets, read committed; needs no assignment and joins no group."""

    def __init__(self, client: Mapping[str, Any], group: str, isolation: str = "read_committed") -> None:
        """Prepare the connection. The group is only asked for its committed offsets.

        With `isolation` read_uncommitted the ends are those of all records, of open transactions too.
        """
        self._consumer = AIOKafkaConsumer(
            **client,
            group_id=group,
            enable_auto_commit=False,
            isolation_level=isolation,
            request_timeout_ms=int(REQUEST_TIMEOUT * 1000),
            retry_backoff_ms=50,
            metadata_max_age_ms=int(METADATA_AGE * 1000),
        )
        self._asked: set[TopicPartition] = set()
        self._answer: asyncio.Future[dict[TopicPartition, int]] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect."""
        await self._consumer.start()

    async def stop(self) -> None:
        """Disconnect."""
        if self._asking is not None:
            self._asking.cancel()
        await closed(self._consumer.stop())

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the last stable offsets, in an answer to a request sent after this call.

        All who ask at the same time share one request; who asks while one is under way waits for the next.
        """
        self._asked.update(partitions)
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            self._answer.add_done_callback(_retrieve)
        answer = self._answer
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        found = await asyncio.shield(answer)
        return {partition: found[partition] for partition in partitions}

    async def _ask(self) -> None:
        while self._answer is not None:
            await asyncio.sleep(0)  # lets callers that are about to ask join
            partitions, answer = list(self._asked), self._answer
            self._asked, self._answer = set(), None
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT):
                    answer.set_result(await self._consumer.end_offsets(partitions))
            except BaseException as error:  # noqa: BLE001  the caller gets it
                answer.set_exception(error if isinstance(error, Exception) else RuntimeError("stopped"))

    def counts(self, topics: Iterable[str]) -> dict[str, int]:
        """Return how many partitions topics have, `METADATA_AGE` ago at most; without those not asked about yet."""
        found = {topic: self._consumer.partitions_for_topic(topic) for topic in topics}
        return {topic: len(partitions) for topic, partitions in found.items() if partitions}

    async def starts(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the first offsets that are still there."""
        async with asyncio.timeout(REQUEST_TIMEOUT):
            return dict(await self._consumer.beginning_offsets(list(partitions)))

    async def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
        """Return what the group has committed."""
        async with asyncio.timeout(REQUEST_TIMEOUT):
            return {partition: await self._consumer.committed(partition) for partition in partitions}


def _retrieve(answer: "asyncio.Future[Any]") -> None:
    """Retrieve the exception, even if all callers are gone."""
    if not answer.cancelled():
        answer.exception()
