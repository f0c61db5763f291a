"""A worker as it is, but for what it stands on: its owners, loop, intake, outbox, producer and restore are those of `streams`."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from segments.engine import EngineSettings, Partition, RuleSet
from streams.kafka.offsets import Offsets
from streams.store.stores import MemoryStore
from streams.telemetry.metrics import Metrics
from streams.telemetry.rule_costs import RuleCosts
from streams.transport import Run
from streams.worker.context import WorkerContext
from streams.worker.deployments import read_chain
from streams.worker.owner import Limits
from streams.worker.owners import Owners
from tests.simulation.batches import fetched
from tests.simulation.network import Network, Process
from tests.simulation.past import Reading

GROUP = "sim"
CHANGELOG = "sim-customers-changelog"
TRANSFERS = "sim-transfers"


class Shared(Metrics):
    """Metrics of all workers of all schedules: making new ones would take longer than a schedule."""

    def watch(self, partitions: Any) -> None:
        """Watch nobody: nothing is scraped."""


class Untimed(RuleCosts):
    """Costs of no rules: those of a schedule are not those of the metrics."""

    @contextmanager
    def sampling(self, partition: Partition) -> Iterator[None]:  # noqa: ARG002 - as it is called
        """Time nothing."""
        yield


METRICS = Shared()
METRICS.costs = Untimed(RuleSet([]))


class Table:
    """The stores of a process: in memory, and lost with it; or kept, as a RocksDB on its disk."""

    def __init__(self) -> None:
        self._stores: dict[int, MemoryStore] = {}

    def open_partition(self, number: int) -> MemoryStore:
        """The store of a partition."""
        return self._stores.setdefault(number, MemoryStore())

    def close_partition(self, number: int) -> None:
        """It went to someone else."""
        self._stores.pop(number).close()

    def open_partitions(self) -> frozenset[int]:
        """Those that are open."""
        return frozenset(self._stores)


class App:
    """What the owners of partitions ask of the Faust application: to fetch, to hold, and who is a member."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network, self._process = network, process
        self._positions: dict[tuple[str, int], int] = {}
        self._held: set[tuple[str, int]] = set()
        self._ends: dict[tuple[str, int], int] = {}
        self.member = True
        self.crashed: BaseException | None = None
        self.owners: Owners | None = None
        self._news = asyncio.Event()
        network.kafka.watchers.append(self._news.set)

    def begin(self) -> None:
        """A new assignment: nothing is fetched until it is placed."""
        self._positions.clear()
        self._held.clear()

    async def place(self, number: int, positions: Mapping[str, int]) -> None:
        """Fetch from there on."""
        await asyncio.sleep(0.001)
        await self._process.awake()
        for topic, offset in positions.items():
            self._positions[topic, number] = offset
            self._held.discard((topic, number))
        self._news.set()

    def hold(self, topic: str, number: int, held: bool) -> None:
        """Fetch no more of it, or again."""
        (self._held.add if held else self._held.discard)((topic, number))
        self._news.set()

    def end(self, topic: str, number: int) -> int:
        """The last stable offset that a fetch has told."""
        return self._ends.get((topic, number), 0)

    async def is_member(self) -> bool:
        """Whether the group still holds it for one."""
        return bool(await self._network.request(self._process, lambda: self.member))

    async def crash(self, error: BaseException) -> None:
        """Never to happen."""
        self.crashed = error

    async def fetch(self) -> None:
        """Fetch runs for ever; some are lost on the way from the fetcher to the owner, some come twice."""
        chance = self._network.chance
        while True:
            await asyncio.sleep(chance.expovariate(100))
            await self._network.back.wait()
            await self._process.awake()
            ready = [where for where, start in self._positions.items() if self._has_more(where, start)]
            for where in ready:
                self._fetch(where, chance)
            if not ready:
                self._news.clear()
                await self._news.wait()

    def _has_more(self, where: tuple[str, int], start: int) -> bool:
        return where not in self._held and self._network.kafka.stable(where) > start

    def _fetch(self, where: tuple[str, int], chance: Any) -> None:
        kafka, start = self._network.kafka, self._positions[where]
        entries, end = kafka.read(where, start, chance.randrange(1, 12))
        self._ends[where] = kafka.stable(where)
        self._positions[where] = end
        draw = chance.random()
        if draw >= 0.02 and self.owners is not None:
            self.owners.deliver(Run(where[0], where[1], start, fetched(entries, start, end), end))
        if draw > 0.98:
            self._positions[where] = start


class Worker:
    """One process with its owners, and the partitions that the group has assigned to it."""

    def __init__(
        self,
        network: Network,
        name: str,
        rules: RuleSet,
        engine: EngineSettings,
        limits: Limits,
        table: Table,
        count: int,
        transfers: str | None = None,
        *,
        deployed: bool = False,
    ) -> None:
        """Start; `deployed`: it has no rule files and runs what is deployed in its log."""
        self.process = Process(name)
        self._kafka = network.kafka
        self.app = App(network, self.process)
        client = {"bootstrap_servers": (network, self.process)}
        offsets = Offsets(client, GROUP)
        context: Any = WorkerContext(
            group=GROUP, count=count, client=client, rules=None if deployed else rules, engine=engine, table=table,  # type: ignore[arg-type]
            changelog=CHANGELOG, offsets=offsets, metrics=METRICS, transfers=transfers,
            read_chain=partial(read_chain, client, GROUP, offsets=offsets) if deployed else None,
            past=Reading(network.kafka) if deployed else None,
        )  # fmt: skip
        app: Any = self.app
        self.table = table
        self.owners = self.app.owners = Owners(app, context, limits)
        self.partitions: frozenset[int] = frozenset()
        self._fetching = asyncio.get_running_loop().create_task(self.app.fetch())
        self._assigning: asyncio.Task[None] | None = None

    def assign(self, partitions: Iterable[int]) -> None:
        """The group has assigned these; the worker learns it when it is awake, and releases what it had first."""
        self.partitions = frozenset(partitions)
        before = self._assigning
        self._assigning = asyncio.get_running_loop().create_task(self._assign(self.partitions, before))

    async def _assign(self, partitions: frozenset[int], before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        await self.process.awake()
        await self.owners.release()
        await self.process.awake()
        self.app.begin()
        self.app.member = True
        await self.owners.assign(partitions)

    @property
    def phase(self) -> str:
        """What it is about."""
        if self.process.paused:
            return "paused"
        if self._assigning is not None and not self._assigning.done():
            return "rebalancing"
        if any(not owned.owner.serving for owned in self.owners._owned.values()):
            return "restoring"
        names = [f"{GROUP}-{number}" for number in self.owners._owned]
        if any(self._kafka.transactions[name].ongoing for name in names):
            return "transaction"
        return "idle"

    def kill(self) -> None:
        """The process is no more; what it had sent is still on its way."""
        self.process.alive = False
        self.process.wake()
        self._fetching.cancel()
        if self._assigning is not None:
            self._assigning.cancel()
        for owned in self.owners._owned.values():
            owned.task.cancel()
        self.owners._owned = {}
