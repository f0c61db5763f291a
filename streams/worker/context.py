"""What all partitions of a worker share: the group, its rules, its clients, its stores, and its threads."""

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
"""Up to this many records are done in the event loop: half a millisecond, less than handing them to a thread costs."""

BACKLOG = 1_000
"""Each further 1,000 waiting records extend the commit interval by one: longer intervals write a state less often."""

BEHIND = 20
"""The largest number of intervals."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to commit while records keep coming, and whether the wall clock counts."""

    records: int
    seconds: float
    event_clock: bool

    def gathering(self, waiting: int) -> float:
        """Seconds between two commits while this many records wait."""
        return self.seconds * min(max(waiting // BACKLOG, 1), BEHIND)


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all partitions of a worker share."""

    group: str
    count: int
    client: Mapping[str, Any]
    rules: RuleSet | None
    """The rules of files, which a group runs until a rule set is deployed; None: it waits for a deployment."""
    engine: EngineSettings
    """Of this process: those of a group that was never deployed. Else each partition has those of its deployment."""
    table: CustomerTable
    changelog: str
    offsets: Offsets
    metrics: Metrics
    topic_ids: TopicIds | None = None
    """Detects input topics that were deleted and made again."""
    lookup: Lookup | None = None
    """None if no schema registry is used."""
    read_chain: Callable[[int], Awaitable[tuple[Chain, int]]] | None = None
    """Reads the chain of deployments of a partition and the offset after it; None: deployments are not followed."""
    transfers: str | None = None
    """The topic of transfers, by which ids of different partitions are merged; None: links are not followed."""
    cleaner: Cleaner | None = None
    """Deletes transfers after they were applied; None: they stay."""
    past: Reading | None = None
    """Reads the history of a partition, to fill measures from it."""
    threads: Executor | None = None
    """The threads in which partitions decode, advance and encode; None: they do it in the event loop and block it."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The input topics that producers write: events, profiles, and links if the group follows them."""
        return INPUTS if self.transfers is None else (*INPUTS, IDENTITIES)

    @property
    def positioned(self) -> tuple[str, ...]:
        """The topics of which a partition reads on at its position."""
        return self.inputs if self.transfers is None else (*self.inputs, self.transfers)

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics that the log of a partition consists of."""
        return self.positioned if self.read_chain is None else (*self.positioned, DEPLOYMENTS)

    async def beside(self, act: Callable[..., Result], *arguments: Any) -> Result:
        """Run a method of the machine in a thread. The caller awaits it; a lock of the machine orders other calls."""
        if self.threads is None:
            return act(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self.threads, act, *arguments)

    async def beside_if_many(self, records: int, act: Callable[..., Result], *arguments: Any) -> Result:
        """Run a method of the machine on this many records: in a thread if they are more than `FEW`, else at once."""
        return act(*arguments) if records <= FEW else await self.beside(act, *arguments)
