"""The worker's transactions and aiokafka's consumer, as far as the worker uses them, over the network of the simulation.

Both are given the process that they belong to where the real ones are given an address.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, ProducerClosed

from streams.clock import wall_clock
from streams.transport.calls import Identity, Place
from streams.transport.runs import Run
from streams.transport.transactions import Refused
from tests.simulation.batches import fetched, rows_of
from tests.simulation.kafka import Row
from tests.simulation.network import Network, Process

BATCH = 7
"""Records that are written at once: real ones are thousands; a transaction is to be written in several steps, too."""


class Transactions:
    """The transactions of one transactional id, in place of `streams.transport.transactions`."""

    def __init__(self, client: Mapping[str, Any], _group: str) -> None:
        self._network, self._process = client["bootstrap_servers"]
        self._closed = False
        self.who = Identity("", -1, -1)

    async def _ask(self, action: Callable[[], Any]) -> Any:
        if self._closed:
            raise ProducerClosed
        return await self._network.request(self._process, action)

    async def start(self, transactional_id: str, _abort_after: float) -> None:
        """Initialise the transactional id, which fences its previous owner."""
        epoch = await self._ask(lambda: self._network.kafka.init(transactional_id))
        self.who = Identity(transactional_id, 1, epoch)

    async def begin(self, _places: Iterable[Place]) -> None:
        """Known here only, until something is written."""

    async def write(self, batches: Mapping[Place, bytes]) -> dict[Place, int]:
        """Write a batch in each place, in several steps; returns the offsets of their first records."""
        firsts = await asyncio.gather(
            *(self._send(place, rows_of(batch)) for place, batch in batches.items())
        )
        return dict(zip(batches, firsts, strict=True))

    async def _send(self, where: Place, sent: Sequence[Row]) -> int:
        at, kafka, first = wall(), self._network.kafka, -1
        name, _, epoch = self.who
        for start in range(0, len(sent), BATCH):
            part = list(sent[start : start + BATCH])
            try:
                offset = await self._ask(lambda part=part: kafka.produce(name, epoch, where, part, at))
            except MessageSizeTooLargeError as error:
                raise Refused(where) from error
            first = offset if first < 0 else first
        return first

    async def commit_offsets(self, offsets: Mapping[Place, int]) -> None:
        """Have offsets committed with the transaction."""
        name, _, epoch = self.who
        await self._ask(lambda: self._network.kafka.add_offsets(name, epoch, dict(offsets)))

    async def end(self) -> None:
        """Commit; the request may come to the broker a second time, much later."""
        name, _, epoch = self.who
        await self._ask(lambda: self._network.kafka.end(name, epoch, commit=True))
        self._network.repeat(lambda: self._network.kafka.end(name, epoch, commit=True))

    async def close(self) -> None:
        """Disconnect."""
        self._closed = True
        await asyncio.sleep(0)


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
