"""All partitions that this worker owns: one task for each, started and stopped as the group assigns them."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from segments.engine import INPUTS, CommittedStates, Partition
from streams.telemetry.gauges import PartitionState
from streams.transport import BatchApp, Run
from streams.worker.context import Limits, WorkerContext
from streams.worker.owner import Owner

log = logging.getLogger(__name__)

RELEASE_TIMEOUT = 8.0
"""Seconds that a partition has to finish its transaction when the group takes it away; then it is dropped."""

BROKER_PATIENCE = 0.5
"""Seconds in which a live broker answers; less than the time-out of usual health probes."""


@dataclass(slots=True)
class _Owned:
    owner: Owner
    task: asyncio.Task[None]


class Owners:
    """Starts and stops the owners of partitions."""

    def __init__(self, app: BatchApp, context: WorkerContext, limits: Limits) -> None:
        """Start without partitions."""
        self._app = app
        self._context = context
        self._limits = limits
        self._owned: dict[int, _Owned] = {}
        self._stopped = False
        self._excused_at = 0.0
        self.assigned = False
        self.problem: str | None = None
        """Why the worker cannot own partitions, and what to do about it; None if it can."""
        self.ending = False
        """Whether the worker ends because of that problem."""
        self._halted = False
        context.metrics.watch(self.states)

    async def assign(self, partitions: frozenset[int]) -> None:
        """Take over what the group assigned, and close the stores of what it didn't."""
        if self._stopped:
            return
        self._context.metrics.rebalances.inc()
        if self._halted or any(number >= self._context.count for number in partitions):
            # Partitions were added to the topics, which `Watch` reports. No partition may be read, not even old ones.
            return
        log.info("assigned partitions: %s", ", ".join(map(str, sorted(partitions))) or "none")
        for number in self._context.table.open_partitions() - partitions:
            self._context.table.close_partition(number)
        for number in sorted(partitions):
            owner = Owner(self._app, self._context, number, self._limits)
            task = asyncio.create_task(owner.run(), name=f"partition-{number}")
            self._owned[number] = _Owned(owner, task)
        self.assigned, self.problem = True, None

    async def release(self) -> None:
        """Let every owner commit what is applied, or drop it if that takes too long."""
        self.assigned = False
        # From here on `deliver` finds no owner: runs that still come are not applied, and the next owner fetches them.
        owned, self._owned = self._owned, {}
        for each in owned.values():
            each.owner.stop()
            if not each.owner.serving:
                # It is restoring: there is nothing to commit, so the group need not wait for it.
                each.task.cancel()
        tasks = [each.task for each in owned.values()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=RELEASE_TIMEOUT)
        for task in late:
            log.warning("%s didn't finish in %.0f s: dropped", task.get_name(), RELEASE_TIMEOUT)
            task.cancel()
        if late:
            # A cancelled task abandons its producer first; the group may give the partition away only after that.
            await asyncio.wait(late)

    async def halt(self, problem: str) -> None:
        """Release all partitions, and keep answering health checks: the problem needs a person."""
        self.problem = problem
        if not self._halted:
            self._halted = True
            await self.release()

    async def stop(self) -> None:
        """Release for good."""
        self._stopped = True
        await self.release()
        if self._context.topic_ids is not None:
            await self._context.topic_ids.stop()
        if self._context.cleaner is not None:
            await self._context.cleaner.stop()

    def deliver(self, run: Run) -> None:
        """Hand a run to the owner of its partition. Without an owner it is dropped; the next owner fetches it again."""
        owned = self._owned.get(run.partition)
        if owned is not None:
            owned.owner.deliver(run)

    def states(self) -> Iterator[PartitionState]:
        """Return the state of each partition."""
        return (each.owner.state() for each in list(self._owned.values()))

    def machine(self, number: int) -> Partition | None:
        """The machine of a partition that is being served, for a question."""
        owned = self._owned.get(number)
        return None if owned is None else owned.owner.machine

    def customers(self, number: int) -> Iterable[bytes]:
        """The keys of the states of a partition's customers, for a census."""
        owned = self._owned.get(number)
        return () if owned is None else owned.owner.customers()

    def committed(self, number: int) -> CommittedStates | None:
        """The committed states of a partition that is being served, for a count."""
        owned = self._owned.get(number)
        return None if owned is None else owned.owner.states

    def too_old(self, number: int, key: bytes) -> int:
        """How many events of a customer of a partition no rule looked back to, since it was taken over."""
        owned = self._owned.get(number)
        return 0 if owned is None else owned.owner.too_old(key)

    @property
    def ready(self) -> bool:
        """Whether the group has assigned partitions, and all of them are restored and being served."""
        return self.assigned and all(each.owner.serving for each in self._owned.values())

    def stuck(self, seconds: float) -> list[int]:
        """Name the partitions that have work and made no progress for this many seconds."""
        before = time.monotonic() - seconds
        if self._excused_at > before:
            return []
        return sorted(number for number, each in self._owned.items() if each.owner.moved_at < before)

    async def broker_answers(self) -> bool:
        """Ask a broker something. While none answers, and for a while after, no partition counts as stuck."""
        try:
            async with asyncio.timeout(BROKER_PATIENCE):
                await self._context.offsets.ends([TopicPartition(INPUTS[0], 0)])
        except (KafkaError, OSError, RuntimeError, TimeoutError):
            self._excused_at = time.monotonic()
            return False
        return True

    @property
    def replaced(self) -> list[str]:
        """Name the inputs that were deleted and made again, as some partition found."""
        return sorted({topic for each in self._owned.values() for topic in each.owner.replaced})

    @property
    def undeployed(self) -> str | None:
        """Say what partitions without a rule set wait for; None if all have one."""
        return next((each.owner.waiting for each in self._owned.values() if each.owner.waiting), None)

    def waiting_for(self) -> list[int]:
        """Name the partitions that aren't served yet."""
        return sorted(number for number, each in self._owned.items() if not each.owner.serving)
