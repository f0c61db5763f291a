"""Serving one partition: runs go in, the machine advances, transactions come out."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from aiokafka import TopicPartition

from segments.engine import DEPLOYMENTS, CommittedStates, Partition
from streams.clock import wall_clock
from streams.transport import BatchApp, Run
from streams.transport.errors import CommitFailed, TooLarge
from streams.worker.caution import Caution
from streams.worker.context import Limits, WorkerContext
from streams.worker.filling import Filling
from streams.worker.intake import Intake
from streams.worker.ledger import Ledger
from streams.worker.monitor import PartitionMonitor
from streams.worker.outbox import Outbox
from streams.worker.standing import Standing
from streams.worker.succession import Succeeded
from streams.worker.takeover import OwnedPartition, sources_of
from streams.worker.waits import Waits

SLICE = 1_000
"""Records applied before the event loop gets its turn."""

TAKEN_OVER = 4_000
"""The same of customers that a rule set takes over, with the lock of the partition alone: some 20 milliseconds."""

CAUGHT_UP = 250
"""Customers whose states are written in the layout of the rule set that runs in one step, some two milliseconds."""

CATCH_UP_EVERY = 0.1
"""Seconds between two such steps: nothing waits for them, and events do not wait for their transactions."""

PACE = 100
"""The same while few records wait: a million timers that are due at once must not delay new events."""

ASK_AGAIN = 1.0
"""Seconds after which the end offsets are asked for again although no record came since."""

CHECK = 30.0
"""Seconds after which an idle partition asks for the end offsets, to notice records that were not delivered."""

SHORTEST_POLL = 0.1
"""Seconds between two looks at the wall clock while timers are due."""


class Service:
    """Serves a partition from its take-over until something fails; then this object and its machine are dropped."""

    def __init__(
        self,
        app: BatchApp,
        context: WorkerContext,
        owned: OwnedPartition,
        limits: Limits,
        standing: Standing,
        caution: Caution,
    ) -> None:
        """Prepare for the first run."""
        number = owned.partition.number
        self._app = app
        self._context = context
        self._limits = limits
        self._slice = min(SLICE, limits.records)
        self._producer = owned.producer
        self._witness = owned.witness
        self._unwritten = owned.witness.record()
        self._store = owned.store
        self._partition = owned.partition
        self._caution = caution
        self._ledger = Ledger(owned.positions)
        self._intake = Intake(app, owned, self._ledger, caution, context)
        self._outbox = Outbox(context.group, number, context.changelog, context.transfers)
        topics = (*context.topics, *sources_of(owned.partition))
        self._inputs = {TopicPartition(topic, number): topic for topic in topics}
        standing.read_from(owned.positions)
        self.monitor = PartitionMonitor(
            app, owned.partition, owned.store, self._intake, self._ledger, context.metrics, standing
        )
        self._waits = Waits(context.metrics, event_clock=limits.event_clock)
        self._changed = asyncio.Event()
        self._filling = Filling(context, owned.partition, self._changed.set)
        self._intake.ask_registry(context.lookup, self._changed.set)
        self._stopping = False
        self._asked_at_stamp, self._asked_at = -1, 0.0
        self._gathering_since, self._gathered, self._waiting = 0.0, 0, 0
        self._more = False
        self._catch_up_at = 0.0

    def deliver(self, run: Run) -> None:
        """Queue a run; one of a profile source that the rule set no longer has may still be under way."""
        if TopicPartition(run.topic, run.partition) not in self._inputs:
            return
        self._intake.add(run)
        self._changed.set()

    def stop(self) -> None:
        """Commit what is applied, then end."""
        self._stopping = True
        self._changed.set()

    async def serve(self) -> None:
        """Serve until stopped, and meanwhile fill from history the measures that a deployment asks for."""
        self._filling.start()
        try:
            await self._serve()
        finally:
            self._filling.stop()

    async def _serve(self) -> None:
        """Offer, advance, ask, commit: in this order, so that what an answer makes possible is committed at once."""
        while True:
            # Clear the event before looking at the queue: a run that arrives later sets it, and `_idle` returns.
            self._changed.clear()
            while self._intake and not self._is_full():
                await self._intake.offer_next()
                await asyncio.sleep(0)
            more = await self._advance()
            if self._caution.most is not None:
                # After a refusal for size each advance is one transaction, so that its records are known exactly.
                await self._commit()
            # Records that wait for an answer must not wait for a million timers as well.
            if (not more or self._partition.waiting) and not self._intake and self._should_ask():
                await self._confirm()
                more = await self._advance()
            successor = None if more else self._partition.successor
            filling = successor is None and await self._filling.step()
            if not (more or filling or self._is_to_be_filled):
                await self._catch_up()
            if not (more or filling) or self._is_full() or self._stopping:
                await self._commit()
            if self._stopping:
                return
            if successor is not None:
                read = self._ledger.expected[DEPLOYMENTS]
                raise Succeeded(self._partition.deployment, successor, read)
            if more or filling or self._intake:
                await asyncio.sleep(0)
            else:
                await self._idle()

    async def _advance(self) -> bool:
        self._waiting = self._intake.waiting
        turn = self._turn(sweeping := self._partition.sweeping > 0)
        with self._context.metrics.stage("advance"), self._context.metrics.costs.sampling(self._partition):
            # If there was more to do, many turns follow: run the next one in a thread.
            size = SLICE if self._more or sweeping else max(PACE, self._waiting)
            more: bool = await self._context.beside_if_many(size, self._partition.advance, turn)
        self._more = more
        if not self._gathering_since:
            self._gathering_since = time.monotonic()
        self._gathered += turn
        self._waits.advanced(self._partition.gathered)
        self._intake.look()
        self.monitor.look()
        return more

    @property
    def _is_to_be_filled(self) -> bool:
        """Whether most states are written soon in any case."""
        filling = self._partition.filling
        return filling is not None and not filling.done

    async def _catch_up(self) -> None:
        """Write some of the states that the rule set that runs left as they were."""
        if self._partition.behind and time.monotonic() >= self._catch_up_at:
            await self._context.beside(self._partition.catch_up, CAUGHT_UP)
            self._catch_up_at = time.monotonic() + CATCH_UP_EVERY

    def _turn(self, sweeping: bool) -> int:
        """How many records, or customers, to do at once."""
        if sweeping:
            turn = min(TAKEN_OVER, self._limits.records)
        else:
            turn = self._slice if self._waiting > PACE else min(PACE, self._slice)
        return min(turn, self._caution.most or turn)

    def _is_full(self) -> bool:
        """Whether the transaction is large enough, in records, customers or time, to be committed."""
        if self._partition.sweeping and self._caution.most is None:
            # Each flip waits for the last one in any case, and so does each event: commits on the way only cost time.
            return self._partition.full
        most = min(self._limits.records, self._caution.most or self._limits.records)
        if self._gathered >= most or self._partition.full:
            return True
        since = self._gathering_since
        return since > 0 and time.monotonic() - since >= self._limits.gathering(self._waiting)

    def _should_ask(self) -> bool:
        """Whether to ask for the end offsets: new records wait for the answer, or timers are due."""
        since = time.monotonic() - self._asked_at
        if self._partition.waiting:
            return self._partition.stamp != self._asked_at_stamp or since >= ASK_AGAIN
        return since >= CHECK or (since >= SHORTEST_POLL and self._seconds_to_due() <= 0)

    def _seconds_to_due(self) -> float:
        return float("inf") if self._limits.event_clock else seconds_to_due(self._partition, wall_clock())

    async def _confirm(self) -> None:
        """Stamp first, then the clock, then the question: its answer is newer than both.

        So every record that was committed by `now` lies before the ends told, and the machine, once it has read up to
        them, may move its clock to `now`. The stamp tells which records were fetched before the question: of one that
        came later the answer says nothing.
        """
        stamp = self._partition.stamp
        now = None if self._limits.event_clock else wall_clock()
        self._asked_at_stamp, self._asked_at = stamp, time.monotonic()
        await self._witness.look()
        with self._context.metrics.stage("confirm"):
            ends = await self._context.offsets.ends(self._inputs)
        told = {self._inputs[each]: end for each, end in ends.items()}
        self.monitor.told(told)
        self._partition.confirm(told, stamp, now)
        await self._intake.fetch_lost(told)

    async def _idle(self) -> None:
        """Sleep until a run arrives or a timer is due."""
        seconds = min(self._seconds_to_due(), ASK_AGAIN if self._partition.waiting else CHECK)
        seconds = max(seconds, self._asked_at + SHORTEST_POLL - time.monotonic(), 0.001)
        if self._partition.behind and not self._is_to_be_filled:
            seconds = max(min(seconds, self._catch_up_at - time.monotonic()), 0.001)
        with self.monitor.resting(), suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    async def _commit(self) -> None:
        """Commit what the machine did since the last commit; the store changes only after the commit is confirmed."""
        gathered = self._gathered
        self._gathering_since, self._gathered = 0.0, 0
        metrics = self._context.metrics
        with metrics.stage("encode"):
            transaction = await self._context.beside_if_many(gathered, self._outbox.collect, self._partition)
        if transaction is None:
            self.monitor.settled()
            return
        batches, offsets = self._outbox.batches(transaction, self._unwritten), transaction.offsets
        began = time.perf_counter()
        self._waits.began()
        try:
            with metrics.stage("commit"):
                ends = await self._producer.commit(batches, offsets)
        except CommitFailed as error:
            metrics.commits.labels(error.cause).inc()
            if isinstance(error, TooLarge):
                error.mended = self._caution.learn(self._ledger.until(offsets), error)
            raise
        except asyncio.CancelledError:
            # Its outcome does not matter any more: the next owner of the partition aborts it.
            metrics.commits.labels("aborted").inc()
            raise
        with metrics.stage("changelog"):
            end = ends.get(self._context.changelog)
            self._store.apply(self._unwritten, None)
            self._store.commit(transaction, end, wall_clock())
            self._unwritten = {}
        self._clean(offsets)
        self._caution.committed(offsets)
        self._waits.committed(transaction, self._ledger, self._partition.settings.grace)
        self.monitor.committed(transaction, time.perf_counter() - began)

    def _clean(self, offsets: Mapping[str, int]) -> None:
        """Have the transfers deleted whose application is committed."""
        topic, cleaner = self._context.transfers, self._context.cleaner
        if topic is not None and cleaner is not None and offsets.get(topic):
            cleaner.committed(self._partition.number, offsets[topic])

    def customers(self) -> Iterable[bytes]:
        """The keys of the committed states, for a census; the keys of second records are among them."""
        return self._store.keys()

    @property
    def states(self) -> CommittedStates:
        """The committed states, for a count."""
        return self._store.states

    @property
    def machine(self) -> Partition:
        """The machine, for a question."""
        return self._partition


def seconds_to_due(partition: Partition, now: int) -> float:
    """Seconds until the next flip by time may fire, by the grace of the rule set that runs; `now` is the wall clock."""
    due = partition.next_due
    return float("inf") if due is None else (due + partition.settings.grace + 1 - now) / 1000
