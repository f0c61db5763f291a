"""The task that owns one partition: runs go in, the machine advances, transactions come out."""

import asyncio
import logging
import time
from contextlib import suppress

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from segments.engine import INPUTS, Partition
from segments.language.errors import SegmentsError
from streams.clock import wall_clock
from streams.kafka.permissions import NotAllowed
from streams.telemetry.gauges import PartitionState
from streams.transport import BatchApp, Run
from streams.transport.errors import CommitFailed
from streams.worker.intake import Again, Intake
from streams.worker.ledger import Ledger
from streams.worker.outbox import Outbox
from streams.worker.takeover import Ground, Limits, Taken, take_over
from streams.worker.vitals import Vitals

log = logging.getLogger(__name__)

SLICE = 1_000
"""Records applied before the event loop gets its turn."""

PACE = 100
"""The same where few records wait: a million flips by time that are due at once hold up nobody who comes meanwhile."""

ASK_AGAIN = 1.0
"""Seconds after which a question is asked again although no record came since."""

CHECK = 30.0
"""Seconds after which an idle partition asks whether there is something that was not brought to it."""

SHORTEST_POLL = 0.1
"""Seconds between two looks at the wall clock when flips by time are due."""

BACKOFF = (0.1, 0.2, 0.5, 1, 2, 5, 10)


class Owner:
    """Owns a partition for as long as the group assigns it to this worker, through all failures."""

    def __init__(self, app: BatchApp, ground: Ground, number: int, limits: Limits) -> None:
        """Start nothing yet: `run` does."""
        self.number = number
        self._app = app
        self._ground = ground
        self._limits = limits
        self._stop = asyncio.Event()
        self._service: Service | None = None
        self._remaining = 0
        self._moved_at = time.monotonic()

    @property
    def serving(self) -> bool:
        """Whether the partition is restored and being served."""
        return self._service is not None

    def deliver(self, run: Run) -> None:
        """Accept a fetched run; what comes before the take-over is fetched again after it."""
        if self._service is not None:
            self._service.deliver(run)

    def stop(self) -> None:
        """Commit what is applied, then end."""
        self._stop.set()
        if self._service is not None:
            self._service.stop()

    async def run(self) -> None:
        """Take over and serve, anew after every failure, until stopped or cancelled."""
        cause, failures = "assigned", 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                await self._own(cause)
            except (CommitFailed, Again) as error:
                cause = error.cause
                log.warning("partition %d: %s; taking it over anew", self.number, error)
            except (KafkaError, TimeoutError, OSError) as error:
                cause = "broker"
                log.warning("partition %d: %s; taking it over anew", self.number, _words(error))
            except (SegmentsError, NotAllowed) as error:
                # Rules that don't go with what is stored, or a missing ACL: no other attempt would end better.
                await self._app.crash(error)
                return
            except Exception:
                cause = "error"
                log.exception("partition %d: unexpected error; taking it over anew", self.number)
            failures = 0 if time.monotonic() - began > BACKOFF[-1] else failures + 1
            await self._wait_for_membership(BACKOFF[min(failures, len(BACKOFF) - 1)])

    async def _wait_for_membership(self, seconds: float) -> None:
        """Wait; a worker that the group has dropped must not fence the rightful owner again and again."""
        await self._pause(seconds)
        while not self._stop.is_set() and not await self._is_member():
            await self._pause(0.5)

    async def _is_member(self) -> bool:
        try:
            return await self._app.is_member()
        except KafkaError as error:
            log.warning("partition %d: asking the group: %s", self.number, _words(error))
            return False

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def _own(self, cause: str) -> None:
        self._ground.metrics.take_overs.labels(cause).inc()
        taken = await take_over(self._ground, self.number, self._progress)
        try:
            self._service = Service(self._app, self._ground, taken, self._limits)
            self._service.vitals.go_on_from(self._moved_at)
            if self._stop.is_set():
                return
            await self._app.place(self.number, taken.positions)
            await self._service.serve()
        finally:
            self._moved_at = self.moved_at
            self._service = None
            for topic in INPUTS:
                self._app.hold(topic, self.number, True)
            await taken.producer.abandon()

    def _progress(self, remaining: int) -> None:
        if remaining != self._remaining:
            self._moved_at = time.monotonic()
        self._remaining = remaining

    @property
    def machine(self) -> Partition | None:
        """The machine while it is served, None while it is taken over."""
        return None if self._service is None else self._service.machine

    def state(self) -> PartitionState:
        """Say how the partition is, for a scrape."""
        if self._service is None:
            return PartitionState(self.number, remaining=self._remaining)
        return self._service.vitals.state()

    @property
    def moved_at(self) -> float:
        """When it last got on, on the monotonic clock: restored, committed, or had nothing left to do."""
        return self._moved_at if self._service is None else self._service.vitals.moved_at


class Service:
    """Serves a partition from its take-over until something fails; then everything here is dropped."""

    def __init__(self, app: BatchApp, ground: Ground, taken: Taken, limits: Limits) -> None:
        """Stand ready for the first run."""
        number = taken.partition.number
        self._app = app
        self._ground = ground
        self._limits = limits
        self._slice = min(SLICE, limits.records)
        self._producer = taken.producer
        self._store = taken.store
        self._partition = taken.partition
        self._ledger = Ledger(taken.positions)
        self._intake = Intake(app, taken.partition, self._ledger, ground.offsets, ground.metrics)
        self._outbox = Outbox(taken.producer, ground.group, number, ground.changelog)
        self._inputs = {TopicPartition(topic, number): topic for topic in INPUTS}
        self.vitals = Vitals(app, taken.partition, taken.store, self._intake, self._ledger, ground.metrics)
        self._wake = asyncio.Event()
        self._intake.ask_registry(ground.lookup, self._wake.set)
        self._stopping = False
        self._asked_at_stamp, self._asked_at = -1, 0.0
        self._gathering_since, self._gathered, self._waiting = 0.0, 0, 0

    def deliver(self, run: Run) -> None:
        """Queue a run."""
        self._intake.add(run)
        self._wake.set()

    def stop(self) -> None:
        """Commit what is applied, then end."""
        self._stopping = True
        self._wake.set()

    async def serve(self) -> None:
        """Offer, advance, ask, commit; in this order, so that what a question answers is committed at once."""
        while True:
            self._wake.clear()
            while self._intake and not self._is_full():
                await self._intake.offer_next()
                await asyncio.sleep(0)
            more = self._advance()
            # Records that wait for an answer don't wait for a million flips by time, too.
            if (not more or self._partition.waiting) and not self._intake and self._should_ask():
                await self._confirm()
                more = self._advance()
            if not more or self._is_full() or self._stopping:
                await self._commit()
            if self._stopping:
                return
            if more or self._intake:
                await asyncio.sleep(0)
            else:
                await self._idle()

    def _advance(self) -> bool:
        self._waiting = sum(map(self._partition.buffered, INPUTS)) + self._intake.queued
        turn = self._slice if self._waiting > PACE else min(PACE, self._slice)
        with self._ground.metrics.stage("advance"), self._ground.metrics.costs.sampling():
            more: bool = self._partition.advance(turn)
        if not self._gathering_since:
            self._gathering_since = time.monotonic()
        self._gathered += turn
        self._intake.balance()
        return more

    def _is_full(self) -> bool:
        """Whether enough is gathered for a transaction, in records, customers or time."""
        if self._gathered >= self._limits.records or self._partition.full:
            return True
        since = self._gathering_since
        return since > 0 and time.monotonic() - since >= self._limits.gathering(self._waiting)

    def _should_ask(self) -> bool:
        """Ask if an answer can change something: new records wait for it, or flips by time are due."""
        since = time.monotonic() - self._asked_at
        if self._partition.waiting:
            return self._partition.stamp != self._asked_at_stamp or since >= ASK_AGAIN
        return since >= CHECK or (since >= SHORTEST_POLL and self._seconds_to_due() <= 0)

    def _seconds_to_due(self) -> float:
        due = self._partition.next_due
        if due is None or self._limits.event_clock:
            return float("inf")
        return (due + self._ground.engine.grace + 1 - wall_clock()) / 1000

    async def _confirm(self) -> None:
        """Stamp first, then the clock, then the question: its answer is newer than both."""
        stamp = self._partition.stamp
        now = None if self._limits.event_clock else wall_clock()
        self._asked_at_stamp, self._asked_at = stamp, time.monotonic()
        with self._ground.metrics.stage("confirm"):
            ends = await self._ground.offsets.ends(self._inputs)
        told = self.vitals.ends = {self._inputs[each]: end for each, end in ends.items()}
        self._partition.confirm(told, stamp, now)
        await self._intake.fetch_lost(told)

    async def _idle(self) -> None:
        """Sleep until a run arrives or a flip by time is due."""
        seconds = min(self._seconds_to_due(), ASK_AGAIN if self._partition.waiting else CHECK)
        seconds = max(seconds, self._asked_at + SHORTEST_POLL - time.monotonic(), 0.001)
        with self.vitals.resting(), suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _commit(self) -> None:
        """Commit what the machine did since the last time; the store follows only when that is known."""
        self._gathering_since, self._gathered = 0.0, 0
        metrics = self._ground.metrics
        with metrics.stage("changelog"):
            effects = self._partition.take()
        if effects is None:
            return
        with metrics.stage("encode"):
            batches = self._outbox.outputs(effects)
        with metrics.stage("changelog"):
            self._outbox.changelog(batches, effects)
        began = time.perf_counter()
        try:
            with metrics.stage("commit"):
                ends = await self._producer.commit(batches, effects.offsets)
        except CommitFailed as error:
            metrics.commits.labels(error.cause).inc()
            raise
        except asyncio.CancelledError:
            # Nobody waits for its outcome any more: whoever has the partition next aborts it.
            metrics.commits.labels("aborted").inc()
            raise
        with metrics.stage("changelog"):
            self._store.apply(effects.states, ends.get(self._ground.changelog), wall_clock())
        self.vitals.committed(effects, time.perf_counter() - began)

    @property
    def machine(self) -> Partition:
        """The machine, for a question."""
        return self._partition


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
