"""aiokafka's producer and consumer, as far as the worker uses them, over the network of the simulation.

Both are given the process that they belong to where the real ones are given an address.
"""

import asyncio
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalOperation, ProducerClosed

from segments.engine import Batch
from streams.clock import wall_clock
from streams.transport.runs import Run
from tests.simulation.batches import fetched, rows
from tests.simulation.kafka import Row
from tests.simulation.network import Network, Process

BATCH = 7
"""Records that are written at once: real ones are thousands; a transaction is to be written in several steps, too."""


class Producer:
    """A transactional producer."""

    def __init__(
        self, *, bootstrap_servers: tuple[Network, Process], transactional_id: str, **_settings: Any
    ) -> None:
        self._network, self._process = bootstrap_servers
        self._epoch, self._ongoing = -1, False
        self._txn_manager = SimpleNamespace(transactional_id=transactional_id)
        self._sends: dict[tuple[str, int], asyncio.Task[Any]] = {}
        self._closed = False
        self._message_accumulator = SimpleNamespace(
            fail_all=lambda _error: None, _batches={}, _pending_batches=()
        )
        self._sender = SimpleNamespace(sender_task=None)
        self.client = SimpleNamespace(
            close=self._close, _bootstrap_servers=bootstrap_servers, _client_id=None
        )

    @property
    def _name(self) -> str:
        return str(self._txn_manager.transactional_id)

    async def _close(self) -> None:
        await asyncio.sleep(0)

    async def _ask(self, action: Any) -> Any:
        if self._closed:
            raise ProducerClosed
        return await self._network.request(self._process, action)

    async def start(self) -> None:
        """Initialise the transactional id."""
        self._epoch = await self._ask(lambda: self._network.kafka.init(self._name))

    async def begin_transaction(self) -> None:
        """Known here only, until something is written."""
        if self._ongoing:
            raise IllegalOperation
        self._ongoing = True

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[Any]":
        """Send a batch; those of one partition in their order."""
        where = (topic, partition)
        before = self._sends.get(where)
        self._sends[where] = asyncio.get_running_loop().create_task(self._send(where, rows(batch), before))
        return self._sends[where]

    async def _send(
        self, where: tuple[str, int], sent: Sequence[Row], before: "asyncio.Task[Any] | None"
    ) -> Any:
        if before is not None:
            await before
        at, kafka, first = wall(), self._network.kafka, None
        for start in range(0, len(sent), BATCH):
            part = list(sent[start : start + BATCH])
            offset = await self._ask(
                lambda part=part: kafka.produce(self._name, self._epoch, where, part, at)
            )
            first = offset if first is None else first
        return SimpleNamespace(offset=first)

    async def send_offsets_to_transaction(self, offsets: dict[TopicPartition, int], _group: str) -> None:
        """Have offsets committed with the transaction."""
        plain = {(each.topic, each.partition): offset for each, offset in offsets.items()}
        await self._ask(lambda: self._network.kafka.add_offsets(self._name, self._epoch, plain))

    async def commit_transaction(self) -> None:
        """End the transaction, once all is written."""
        await asyncio.gather(*self._sends.values())
        self._sends.clear()
        name, epoch = self._name, self._epoch
        await self._ask(lambda: self._network.kafka.end(name, epoch, commit=True))
        self._network.repeat(lambda: self._network.kafka.end(name, epoch, commit=True))
        self._ongoing = False


def wall() -> int:
    """The wall clock: replaced, with that of the worker, by the one of the simulation."""
    return wall_clock()


async def fetch_runs(
    consumer: "Consumer", wanted: Iterable[TopicPartition], _timeout: float, **_raw: Any
) -> tuple[list[Run], float]:
    """What `streams.transport.fetch` takes of aiokafka."""
    return [run for each in wanted for run in await consumer.fetch(each)], 0.0


class Consumer:
    """A consumer with no group's assignment: reads changelogs, and asks about offsets."""

    def __init__(
        self,
        *,
        bootstrap_servers: tuple[Network, Process],
        isolation_level: str = "read_uncommitted",
        **_settings: Any,
    ) -> None:
        self._network, self._process = bootstrap_servers
        self._uncommitted = isolation_level == "read_uncommitted"
        self._positions: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect."""
        await self._network.request(self._process, lambda: None)

    async def stop(self) -> None:
        """Disconnect."""
        await asyncio.sleep(0)

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these."""
        self._positions = dict.fromkeys(partitions, 0)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from there."""
        self._positions[partition] = offset

    async def fetch(self, partition: TopicPartition) -> list[Run]:
        """Read some; markers of transactions move the position without a record."""
        await asyncio.sleep(0.001)
        kafka, start = self._network.kafka, self._positions[partition]
        most = self._network.chance.randrange(1, 200)
        where = (partition.topic, partition.partition)
        records, end = await self._network.request(
            self._process, lambda: kafka.read(where, start, most, uncommitted=self._uncommitted)
        )
        self._positions[partition] = end
        return [Run(*where, start, fetched(records, start, end), end)] if end > start else []

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The last stable offsets; the very ends for one who reads what is uncommitted."""
        asked, kafka = list(partitions), self._network.kafka

        def end(each: TopicPartition) -> int:
            where = (each.topic, each.partition)
            return len(kafka.logs[where]) if self._uncommitted else kafka.stable(where)

        found: dict[TopicPartition, int] = await self._network.request(
            self._process, lambda: {each: end(each) for each in asked}
        )
        return found

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Nothing is ever deleted here."""
        return dict.fromkeys(partitions, 0)

    async def committed(self, partition: TopicPartition) -> int | None:
        """What the group has committed."""
        kafka = self._network.kafka
        found: int | None = await self._network.request(
            self._process, lambda: kafka.committed.get((partition.topic, partition.partition))
        )
        return found
