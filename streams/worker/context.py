"""What all partitions of a worker stand on: the group, its rules, its clients, its stores, and its threads."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from segments.engine import DEPLOYMENTS, IDENTITIES, INPUTS, Chain, EngineSettings, RuleSet
from streams.kafka.offsets import Offsets
from streams.registry.lookup import Lookup
from streams.store.table import CustomerTable
from streams.telemetry.metrics import Metrics
from streams.transport.topic_ids import TopicIds
from streams.worker.cleaning import Cleaner
from streams.worker.past import Reading

Result = TypeVar("Result")

FEW = 200
"""Records that take less time, half a millisecond, than a thread to wake up for them and be waited for."""

BACKLOG = 1_000
"""For each so many records that wait another interval is gathered: a changed state is written once for each."""

BEHIND = 20
"""Intervals at most."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to commit, as long as there is more to do; and whether the wall clock counts."""

    records: int
    seconds: float
    event_clock: bool

    def gathering(self, waiting: int) -> float:
        """Seconds for which a transaction is gathered while so many records wait."""
        return self.seconds * min(max(waiting // BACKLOG, 1), BEHIND)


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all partitions of a worker stand on."""

    group: str
    count: int
    client: Mapping[str, Any]
    rules: RuleSet | None
    """Of files: what a group runs that was never deployed. None: such a group waits."""
    engine: EngineSettings
    table: CustomerTable
    changelog: str
    offsets: Offsets
    metrics: Metrics
    topic_ids: TopicIds | None = None
    """Tells whether the inputs are still the topics that were read."""
    lookup: Lookup | None = None
    """Where a schema registry is used."""
    read_chain: Callable[[int], Awaitable[tuple[Chain, int]]] | None = None
    """The chain of a partition as its log has it now, and the offset after it; None: deployments are not followed."""
    transfers: str | None = None
    """The topic by which ids of other partitions are merged; None: links are not followed."""
    cleaner: Cleaner | None = None
    """Deletes the transfers that were applied; None: they stay."""
    past: Reading | None = None
    """Reads the history of a partition, to fill measures from it."""
    threads: Executor | None = None
    """Where partitions decode, advance and encode; None: in the event loop, which waits for them then."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The topics of a partition's log that others than workers and deployers write."""
        return INPUTS if self.transfers is None else (*INPUTS, IDENTITIES)

    @property
    def positioned(self) -> tuple[str, ...]:
        """The topics of which a partition reads on at its position."""
        return self.inputs if self.transfers is None else (*self.inputs, self.transfers)

    @property
    def topics(self) -> tuple[str, ...]:
        """What the log of a partition consists of."""
        return self.positioned if self.read_chain is None else (*self.positioned, DEPLOYMENTS)

    async def beside(self, act: Callable[..., Result], *arguments: Any) -> Result:
        """Have a machine act in a thread. The caller awaits it; for questions in between the machine has a lock."""
        if self.threads is None:
            return act(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self.threads, act, *arguments)

    async def beside_if_many(self, records: int, act: Callable[..., Result], *arguments: Any) -> Result:
        """Have a machine act on so many records: in a thread if they are more than `FEW`, else at once."""
        return act(*arguments) if records <= FEW else await self.beside(act, *arguments)
