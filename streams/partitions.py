"""The task that owns one partition: runs go in, the machine advances, transactions come out."""

import asyncio
import logging
import time
from collections import Counter, deque
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from segments.engine.records import INPUTS, Effects, Record
from streams.clock import wall_clock
from streams.commit import Outbox
from streams.decode import decode
from streams.metrics import PartitionState
from streams.takeover import Ground, Taken, take_over
from streams.transport import BatchApp, Run
from streams.transport.errors import CommitFailed

log = logging.getLogger(__name__)

SLICE = 1_000
"""Records applied before the event loop gets its turn."""

HOLD_ABOVE = 20_000
RELEASE_BELOW = 5_000
"""Records that wait for the machine at which an input stops and restarts being fetched."""

LOST_AFTER = 5.0
"""Seconds after which records that the broker has and the fetcher doesn't bring are fetched again."""

IDLE = 1.0
SHORTEST_POLL = 0.25
"""Seconds between two looks at the wall clock when flips by time are due."""

BACKOFF = (0.1, 0.2, 0.5, 1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Limits:
    """When to commit, as long as there is more to do; and whether the wall clock counts."""

    records: int
    seconds: float
    event_clock: bool


class Again(Exception):  # noqa: N818  not an error: a reason to take the partition over anew
    """The partition must be taken over anew, although nothing failed here."""

    cause = "positions"


class Owner:
    """Owns a partition for as long as the group assigns it to this worker."""

    def __init__(self, app: BatchApp, ground: Ground, number: int, limits: Limits) -> None:
        """Start nothing yet: `run` does."""
        self.number = number
        self.serving = False
        self.remaining = 0
        self._app = app
        self._ground = ground
        self._limits = limits
        self._slice = min(SLICE, limits.records)
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()
        self._runs: deque[Run] = deque()
        self._queued: Counter[str] = Counter()
        self._taken: Taken | None = None

    def deliver(self, run: Run) -> None:
        """Accept a fetched run; called by the agent."""
        if self._taken is None:
            return
        self._runs.append(run)
        self._queued[run.topic] += len(run.records)
        self._wake.set()

    def stop(self) -> None:
        """Commit what is applied, then end."""
        self._stop.set()
        self._wake.set()

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
                log.warning("partition %d: %s; trying again", self.number, _words(error))
            except Exception:
                cause = "error"
                log.exception("partition %d: unexpected error; taking it over anew", self.number)
            else:
                return
            failures = 0 if time.monotonic() - began > 60 else failures + 1
            await self._wait_for_membership(BACKOFF[min(failures, len(BACKOFF)) - 1])

    async def _wait_for_membership(self, seconds: float) -> None:
        """Wait; a worker that the group has dropped must not fence the rightful owner again and again."""
        await self._pause(seconds)
        while not self._stop.is_set() and not await self._app.is_member():
            await self._pause(0.5)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def _own(self, cause: str) -> None:
        self._ground.metrics.take_overs.labels(cause).inc()
        taken = await take_over(self._ground, self.number, self._progress)
        try:
            self._begin(taken)
            await self._app.place(self.number, taken.positions)
            self.serving = True
            await self._serve(taken)
        finally:
            self.serving = False
            self._taken = None
            await taken.producer.abandon()

    def _progress(self, remaining: int) -> None:
        self.remaining = remaining

    def _begin(self, taken: Taken) -> None:
        self._taken = taken
        self._outbox = Outbox(taken.producer, self._ground.group, self.number, self._ground.changelog)
        self._runs.clear()
        self._queued.clear()
        self._expected = dict(taken.positions)
        self._committed = dict(taken.positions)
        self._unsettled: dict[str, deque[list[Record]]] = {topic: deque() for topic in INPUTS}
        self._ends: dict[str, int] = {}
        self._held: set[str] = set()
        self._seeking: set[str] = set()
        self._asked_at_stamp = -1
        self._asked_at = 0.0
        self._moved_at = time.monotonic()
        self._gathering_since = 0.0
        self._gathered = 0

    # --- the loop -------------------------------------------------------------------------------------------------

    async def _serve(self, taken: Taken) -> None:
        """Offer, advance, ask, commit; in this order, so that what a question answers is committed at once."""
        while True:
            self._wake.clear()
            await self._offer(taken)
            more = self._advance(taken)
            if not more and not self._runs and self._should_ask(taken):
                await self._confirm(taken)
                more = self._advance(taken)
            if not more or self._is_full():
                await self._commit(taken)
            if self._stop.is_set():
                return
            if more or self._runs:
                await asyncio.sleep(0)
            else:
                await self._idle(taken)

    async def _offer(self, taken: Taken) -> None:
        while self._runs and not self._is_full():
            run = self._runs.popleft()
            self._queued[run.topic] -= len(run.records)
            with self._ground.metrics.stage("decode"):
                records = decode(run.topic, run.records)
            with self._ground.metrics.stage("offer"):
                seek = taken.partition.offer(run.topic, run.start, records, run.end)
            if seek is None:
                self._accepted(run, records)
            elif run.topic not in self._seeking:
                await self._fetch_again(run.topic, seek)
            self._balance(taken)
            await asyncio.sleep(0)

    def _accepted(self, run: Run, records: list[Record]) -> None:
        self._seeking.discard(run.topic)
        self._expected[run.topic] = max(run.end, self._expected[run.topic])
        self._moved_at = time.monotonic()
        if records:
            self._unsettled[run.topic].append(records)

    async def _fetch_again(self, topic: str, offset: int) -> None:
        """Something was skipped: go back to what is expected."""
        first = (await self._ground.offsets.starts([TopicPartition(topic, self.number)])).popitem()[1]
        if first > offset:
            raise Again(f"{topic}: offset {offset} is expected, but the topic begins at {first}")
        log.warning("%s-%d: offsets were skipped, going back to %d", topic, self.number, offset)
        self._seeking.add(topic)
        await self._app.place(self.number, {topic: offset})

    def _balance(self, taken: Taken) -> None:
        """Stop fetching what is far ahead of the machine, and let it flow again when it has caught up."""
        for topic in INPUTS:
            waiting = self._queued[topic] + taken.partition.buffered(topic)
            if topic in self._held:
                if waiting < RELEASE_BELOW:
                    self._held.discard(topic)
                    self._app.hold(topic, self.number, False)
            elif waiting > HOLD_ABOVE:
                self._held.add(topic)
                self._app.hold(topic, self.number, True)

    def _advance(self, taken: Taken) -> bool:
        with self._ground.metrics.stage("advance"):
            more: bool = taken.partition.advance(self._slice)
        if not self._gathering_since:
            self._gathering_since = time.monotonic()
        self._gathered += self._slice
        self._balance(taken)
        return more

    def _is_full(self) -> bool:
        """Whether enough is gathered for a transaction, in records or time."""
        return self._gathered >= self._limits.records or (
            self._gathering_since > 0 and time.monotonic() - self._gathering_since >= self._limits.seconds
        )

    # --- what the brokers say --------------------------------------------------------------------------------------

    def _should_ask(self, taken: Taken) -> bool:
        """Ask if an answer can change something: new records wait for it, or flips by time are due."""
        partition = taken.partition
        if partition.waiting and partition.stamp != self._asked_at_stamp:
            return True
        since = time.monotonic() - self._asked_at
        if partition.waiting and since >= IDLE:
            return True
        return since >= SHORTEST_POLL and self._milliseconds_to_due(taken) <= 0

    def _milliseconds_to_due(self, taken: Taken) -> float:
        due = taken.partition.next_due
        if due is None or self._limits.event_clock:
            return float("inf")
        return float(due + self._ground.engine.grace + 1 - wall_clock())

    async def _confirm(self, taken: Taken) -> None:
        """Stamp first, then the clock, then the question: its answer is newer than both."""
        stamp = taken.partition.stamp
        now = None if self._limits.event_clock else wall_clock()
        self._asked_at_stamp, self._asked_at = stamp, time.monotonic()
        with self._ground.metrics.stage("confirm"):
            ends = await self._ground.offsets.ends([TopicPartition(topic, self.number) for topic in INPUTS])
        self._ends = {each.topic: end for each, end in ends.items()}
        taken.partition.confirm(self._ends, stamp, now)
        await self._refetch_lost()

    async def _refetch_lost(self) -> None:
        """Fetch again what the broker has and the fetcher doesn't bring: a lost run must not stop the partition."""
        if time.monotonic() - self._moved_at < LOST_AFTER:
            return
        lost = {
            topic: self._expected[topic]
            for topic, end in self._ends.items()
            if end > self._expected[topic] and topic not in self._held and not self._queued[topic]
        }
        self._moved_at = time.monotonic()
        if lost:
            log.warning("partition %d: records don't come, fetching again from %s", self.number, lost)
            self._ground.metrics.refetches.inc()
            await self._app.place(self.number, lost)

    async def _idle(self, taken: Taken) -> None:
        """Sleep until a run arrives or a flip by time is due."""
        seconds = self._milliseconds_to_due(taken) / 1000
        if taken.partition.waiting:
            seconds = min(seconds, IDLE)
        seconds = max(seconds, self._asked_at + SHORTEST_POLL - time.monotonic(), 0.001)
        try:
            await asyncio.wait_for(self._wake.wait(), min(seconds, 60))
        except TimeoutError:
            return

    # --- transactions ----------------------------------------------------------------------------------------------

    async def _commit(self, taken: Taken) -> None:
        """Commit what the machine did since the last time; the store follows only when that is known."""
        self._gathering_since, self._gathered = 0.0, 0
        effects = taken.partition.take()
        if effects is None:
            return
        metrics = self._ground.metrics
        with metrics.stage("encode"):
            batches = self._outbox.outputs(effects)
        with metrics.stage("changelog"):
            self._outbox.changelog(batches, effects)
        began = time.perf_counter()
        try:
            with metrics.stage("commit"):
                ends = await taken.producer.commit(batches, effects.offsets)
        except CommitFailed as error:
            metrics.commits.labels(error.cause).inc()
            raise
        with metrics.stage("changelog"):
            taken.store.apply(effects.states, ends.get(self._ground.changelog), wall_clock())
        self._settle(effects, time.perf_counter() - began)

    def _settle(self, effects: Effects, seconds: float) -> None:
        """Count what is committed."""
        now = wall_clock()
        for _, event in effects.segment_events:
            if (caused := self._timestamp(event["cause"])) is not None:
                self._ground.metrics.event_to_flip.observe(max(0, now - caused) / 1000)
        consumed: Counter[str] = Counter()
        for topic, offset in effects.offsets.items():
            consumed[topic] += self._forget(topic, self._committed.get(topic, 0), offset)
            self._committed[topic] = offset
        self._ground.metrics.committed(effects, consumed, seconds)

    def _timestamp(self, cause: dict[str, object] | None) -> int | None:
        """The Kafka timestamp of the record that caused a flip."""
        if cause is None:
            return None
        for records in self._unsettled[str(cause["topic"])]:
            if records[-1].offset >= cause["offset"]:  # type: ignore[operator]
                return next((each.timestamp for each in records if each.offset == cause["offset"]), None)
        return None

    def _forget(self, topic: str, start: int, end: int) -> int:
        """Count the records in [start, end), and drop the lists that lie before `end`."""
        kept = self._unsettled[topic]
        count = 0
        while kept and kept[0][0].offset < end:
            records = kept[0]
            count += sum(1 for each in records if start <= each.offset < end)
            if records[-1].offset >= end:
                break
            kept.popleft()
        return count

    # --- what can be seen from outside -----------------------------------------------------------------------------

    def state(self) -> PartitionState:
        """Say how the partition is, for a scrape."""
        taken = self._taken
        if taken is None:
            return PartitionState(self.number, remaining=self.remaining)
        partition = taken.partition
        lag = {}
        for topic, committed in self._committed.items():
            end = max(self._app.end(topic, self.number), self._ends.get(topic, 0), self._expected[topic])
            lag[topic] = max(0, end - committed)
        return PartitionState(
            self.number, max(0, partition.clock), lag, Counter(partition.members), partition.pending, self.remaining
        )


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
