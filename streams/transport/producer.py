"""A producer of whole transactions, which either are known to be committed or end the producer.

It speaks the protocol of transactions itself, over aiokafka's connections (`transactions`): a transaction is three
round trips where the brokers add partitions to it as they are written (KIP-890, Kafka 4.0 and later), and five with
older ones, without a task that runs in the background. Records go out as batches: the engine's finished ones, or those
of `add_all`. A batch is asked for its size, its records, and its bytes once the producer's state is in. They are not
compressed: on the event loop that costs a fifth of the throughput.
"""

# ruff: noqa: SLF001  a batch takes the state of its producer by methods of aiokafka's builder

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import zip_longest
from typing import Any

from aiokafka.errors import InvalidProducerEpoch, ProducerFenced
from aiokafka.producer.message_accumulator import BatchBuilder

from streams.transport.calls import Place
from streams.transport.errors import Fenced, OutcomeUnknown, Replaced, TooLarge
from streams.transport.transactions import Refused, Transactions

BATCH_BYTES = 512 * 1024
"""The largest batch of `add_all` in bytes: half of what a topic accepts by default (`max.message.bytes`, 1 MB)."""

TRANSACTION_TIMEOUT = 60.0
"""Seconds after which the broker aborts a transaction that nobody ends; its worker is long gone by then."""

COMMIT_TIMEOUT = 20.0
"""Seconds for a whole transaction, well below `TRANSACTION_TIMEOUT`; after that its outcome counts as unknown."""

START_TIMEOUT = 30.0
"""Seconds to initialise the transactional id, which waits for the markers of the transaction before."""

SEQUENCES = 2**31
"""Numbers of records in a partition, after which they begin at 0 again."""

NOT_COMPRESSED = 0
"""As a number of the protocol."""

Batches = dict[str | tuple[str, int], list[Any]]
"""The key is a topic, for the producer's own partition, or topic and number, for another one."""


class TransactionalProducer:
    """The producer of one partition. After any failure it is unusable: abandon it, and make a new one."""

    def __init__(self, client: Mapping[str, Any], group: str, partition: int) -> None:
        """Prepare the producer with the id ``<group>-<partition>``, without connecting."""
        self._client = client
        self._group = group
        self._partition = partition
        self._transactional_id = f"{group}-{partition}"
        self._kafka = Transactions(client, group)
        self._sequences: dict[Place, int] = {}
        self._epoch: tuple[int, int] | None = None
        self._usable = False

        self.before_commit: Callable[[], Awaitable[None]] | None = None
        """Called while each transaction is written; nothing is committed if it raises Replaced."""

    async def start(self) -> None:
        """Initialise the transactional id: this fences the previous owner and aborts its open transaction."""
        async with asyncio.timeout(START_TIMEOUT):
            await self._kafka.start(self._transactional_id, TRANSACTION_TIMEOUT)
        self._usable = True

    def add_all(
        self, batches: Batches, topic: str, timestamp: int, records: Mapping[bytes, bytes | None]
    ) -> None:
        """Put records without headers into the batches; those of a worker are finished by the engine."""
        if not records:
            return
        builders = batches.setdefault(topic, [])
        builder = _builder()
        builders.append(builder)
        for key, value in records.items():
            if builder.append(timestamp=timestamp, key=key, value=value) is None:
                builder = _builder()
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
        if not self._usable:
            raise OutcomeUnknown("a transaction before this one failed, or the producer was not started")
        # Whatever ends this early, a cancellation too, leaves a transaction open that must not be added to.
        self._usable = False
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT):
                ends = await self._commit(batches, offsets)
        except Exception as error:
            if (refused := _not_committed(error)) is not None:
                raise refused from error
            if _is_fenced(error):
                raise Fenced(f"{self._transactional_id} was fenced by another worker") from error
            raise OutcomeUnknown(f"the outcome of a commit is not known ({error!r})") from error
        self._usable = True
        return ends

    async def _commit(
        self, batches: Batches, offsets: Mapping[str, int]
    ) -> dict[str | tuple[str, int], int | None]:
        made = {self._place(where): builders for where, builders in batches.items() if builders}
        committed = {(topic, self._partition): offset for topic, offset in offsets.items()}
        # Leaving the block waits for every task, and raises if one of them did: so the end follows only what the broker
        # has taken, and `before_commit`.
        async with asyncio.TaskGroup() as group:
            if self.before_commit is not None:
                group.create_task(_awaited(self.before_commit()))
            await self._kafka.begin(made)
            ends = await self._write(made)
            if committed:
                await self._kafka.commit_offsets(committed)
        if made or committed:
            await self._kafka.end()
        return {where: ends.get(self._place(where)) for where in batches}

    def _place(self, where: str | Place) -> Place:
        return where if isinstance(where, tuple) else (where, self._partition)

    async def _write(self, made: Mapping[Place, list[Any]]) -> dict[Place, int | None]:
        """Write batches, of each place one at a time; returns the offsets behind the last ones."""
        ends: dict[Place, int | None] = {}
        for wave in zip_longest(*made.values()):
            builders = {place: each for place, each in zip(made, wave, strict=True) if each is not None}
            batches = {place: self._numbered(place, each) for place, each in builders.items()}
            try:
                offsets = await self._kafka.write(batches)
            except Refused as error:
                raise TooLarge(error.place[0], len(batches[error.place])) from error
            for place, first in offsets.items():
                ends[place] = None if first < 0 else first + int(builders[place].record_count())
        return ends

    def _numbered(self, place: Place, builder: Any) -> bytes:
        """The bytes of a batch with the next sequence number of its place."""
        who = self._kafka.who
        if self._epoch != (who.producer_id, who.epoch):
            # With another epoch the numbers begin anew.
            self._epoch, self._sequences = (who.producer_id, who.epoch), {}
        first = self._sequences.get(place, 0)
        self._sequences[place] = (first + int(builder.record_count())) % SEQUENCES
        builder._set_producer_state(who.producer_id, who.epoch, first)
        finished: bytes = builder._build()
        return finished

    async def abandon(self) -> None:
        """Close without finishing: the next owner aborts an open transaction, or the broker does after a time-out."""
        self._usable = False
        await self._kafka.close()


def _builder() -> Any:
    return BatchBuilder(BATCH_BYTES, NOT_COMPRESSED, is_transactional=True)


def _not_committed(error: Exception) -> TooLarge | Replaced | None:
    """Return the first error of the sends that proves that no commit was requested; None if there is none."""
    found = error.exceptions if isinstance(error, ExceptionGroup) else (error,)
    return next((each for each in found if isinstance(each, TooLarge | Replaced)), None)


async def _awaited(waited_for: Awaitable[None]) -> None:
    await waited_for


def _is_fenced(error: BaseException) -> bool:
    """Whether a newer producer with this id is the reason, however deep: tasks raise a group of errors."""
    if isinstance(error, ProducerFenced | InvalidProducerEpoch):
        return True
    inner = [*(error.exceptions if isinstance(error, BaseExceptionGroup) else ()), error.__cause__]
    return any(_is_fenced(each) for each in inner if each is not None)
