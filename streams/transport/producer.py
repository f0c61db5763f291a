"""A producer of whole transactions, which either are known to be committed or end the producer.

aiokafka's back-off between two transactions is lowered from 20 ms to 2 ms: on one broker that makes a
transaction of 200 states take 4 ms instead of 24. Records go out as batches: the engine's finished ones, or those of
`add_all`. ``send_batch`` asks of one its size, its records, and its bytes once the producer's state is in. They are
not compressed: on the event loop that costs a fifth of the throughput.
"""

# ruff: noqa: SLF001  what is given up must be let go of without waiting for the broker

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import aiokafka.producer.sender
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidProducerEpoch,
    MessageSizeTooLargeError,
    ProducerClosed,
    ProducerFenced,
    RecordListTooLargeError,
)

from streams.kafka.closing import closed
from streams.transport.errors import Fenced, OutcomeUnknown, Replaced, TooLarge

aiokafka.producer.sender.BACKOFF_OVERRIDE = 0.002

BATCH_BYTES = 512 * 1024
"""The largest batch of `add_all` in bytes: half of what a topic accepts by default (`max.message.bytes`, 1 MB)."""

TRANSACTION_TIMEOUT = 60.0
"""Seconds after which the broker aborts a transaction that nobody ends; its worker is long gone by then."""

COMMIT_TIMEOUT = 20.0
"""Seconds for a whole transaction, well below `TRANSACTION_TIMEOUT`; after that its outcome counts as unknown."""

START_TIMEOUT = 30.0
"""Seconds to initialise the transactional id, which waits for the markers of the transaction before."""

Batches = dict[str | tuple[str, int], list[Any]]
"""The key is a topic, for the producer's own partition, or topic and number, for another one."""


class TransactionalProducer:
    """The producer of one partition. After any failure it is unusable: abandon it, and make a new one."""

    def __init__(self, client: Mapping[str, Any], group: str, partition: int) -> None:
        """Prepare the producer with the id ``<group>-<partition>``, without connecting."""
        self._group = group
        self._partition = partition
        self._producer = AIOKafkaProducer(
            **client,
            transactional_id=f"{group}-{partition}",
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT * 1000),
            request_timeout_ms=10_000,
            retry_backoff_ms=50,
            max_batch_size=BATCH_BYTES,
        )

        self.before_commit: Callable[[], Awaitable[None]] | None = None
        """Called while each transaction is written; nothing is committed if it raises Replaced."""

    async def start(self) -> None:
        """Initialise the transactional id: this fences the previous owner and aborts its open transaction."""
        async with asyncio.timeout(START_TIMEOUT):
            await self._producer.start()

    def add_all(
        self, batches: Batches, topic: str, timestamp: int, records: Mapping[bytes, bytes | None]
    ) -> None:
        """Put records without headers into the batches; those of a worker are finished by the engine."""
        if not records:
            return
        builders = batches.setdefault(topic, [])
        builder = self._producer.create_batch()
        builders.append(builder)
        for key, value in records.items():
            if builder.append(timestamp=timestamp, key=key, value=value) is None:
                builder = self._producer.create_batch()
                builders.append(builder)
                builder.append(timestamp=timestamp, key=key, value=value)

    async def commit(
        self, batches: Batches, offsets: Mapping[str, int]
    ) -> dict[str | tuple[str, int], int | None]:
        """Write batches and input offsets in one transaction.

        Returns for each of `batches` the offset after its last record, None where the broker doesn't tell.

        Raises:
            Fenced: another worker has this transactional id now.
            Replaced: an input is another topic than before; nothing is committed.
            TooLarge: a topic refuses what was to be written for its size; nothing is committed.
            OutcomeUnknown: anything else; the transaction may be committed, or not.

        """
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT):
                return await self._commit(batches, offsets)
        except Exception as error:
            if (refused := _not_committed(error)) is not None:
                raise refused from error
            if _is_fenced(error):
                raise Fenced(f"{self._group}-{self._partition} was fenced by another worker") from error
            raise OutcomeUnknown(f"the outcome of a commit is not known ({error!r})") from error

    async def _commit(
        self, batches: Batches, offsets: Mapping[str, int]
    ) -> dict[str | tuple[str, int], int | None]:
        producer = self._producer
        await producer.begin_transaction()
        committed = {TopicPartition(topic, self._partition): offset for topic, offset in offsets.items()}
        # Leaving the block waits for every send, and raises if one of them or `before_commit` did: so offsets and
        # commit follow only what the broker has taken.
        async with asyncio.TaskGroup() as group:
            sends = {topic: group.create_task(self._send(topic, made)) for topic, made in batches.items()}
            if self.before_commit is not None:
                group.create_task(_awaited(self.before_commit()))
        # Not while batches are sent: while a broker adds the group to the transaction it cannot verify the partitions
        # that are written to, and aiokafka tries again after its back-off.
        if committed:
            await producer.send_offsets_to_transaction(committed, self._group)
        # aiokafka itself would commit even after a batch that failed.
        await producer.commit_transaction()
        return {topic: task.result() for topic, task in sends.items()}

    async def _send(self, where: str | tuple[str, int], builders: Sequence[Any]) -> int | None:
        topic, partition = where if isinstance(where, tuple) else (where, self._partition)
        counts = [builder.record_count() for builder in builders]
        futures = []
        for builder in builders:
            future = await self._producer.send_batch(builder, topic, partition=partition)
            future.add_done_callback(_retrieve)
            futures.append(future)
        last = None
        for builder, future in zip(builders, futures, strict=True):
            try:
                last = await future
            except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
                raise TooLarge(topic, builder.size()) from error
        if last is None or last.offset < 0:
            return None
        return int(last.offset) + int(counts[-1])

    async def abandon(self) -> None:
        """Close without finishing: the next owner aborts an open transaction, or the broker does after a time-out.

        ``AIOKafkaProducer.stop`` would wait until everything is delivered, for ever while the broker is away.
        """
        producer: Any = self._producer
        if producer._closed:
            return
        producer._closed = True
        accumulator = producer._message_accumulator
        left = [*chain.from_iterable(accumulator._batches.values()), *accumulator._pending_batches]
        accumulator.fail_all(ProducerClosed())
        for batch in left:
            _retrieve(batch.future)
            _retrieve(batch._drain_waiter)
        sender = producer._sender.sender_task
        if sender is not None:
            sender.remove_done_callback(producer._sender._fail_all)
            sender.add_done_callback(_retrieve)
        for _ in range(3):
            if sender is None or sender.done():
                break
            sender.cancel()
            await asyncio.wait([sender], timeout=0.2)
        await closed(producer.client.close())


def _not_committed(error: Exception) -> TooLarge | Replaced | None:
    """Return the first error of several sends that proves that no commit was requested; None if there is none."""
    found = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
    return next((each for each in found if isinstance(each, TooLarge | Replaced)), None)


async def _awaited(waited_for: Awaitable[None]) -> None:
    await waited_for


def _is_fenced(error: BaseException) -> bool:
    """Whether a newer producer with this id is the reason, however deep.

    The sends of a transaction are a group of tasks, which raises a group of errors; what aiokafka's sender ran into is
    the cause of what others are told.
    """
    if isinstance(error, ProducerFenced | InvalidProducerEpoch):
        return True
    inner = [*(error.exceptions if isinstance(error, BaseExceptionGroup) else ()), error.__cause__]
    return any(_is_fenced(each) for each in inner if each is not None)


def _retrieve(future: "asyncio.Future[Any]") -> None:
    """Look at a delivery's exception, which the transaction reports anyway."""
    if future.done() and not future.cancelled():
        future.exception()
