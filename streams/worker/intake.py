"""The queue of runs between fetcher and machine of one partition: it pauses inputs that are far ahead, and seeks."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable

from aiokafka import TopicPartition

from segments.engine import DEPLOYMENTS
from streams.registry.lookup import Lookup
from streams.registry.readable import READABLE
from streams.transport import BatchApp, Run
from streams.worker.caution import Caution
from streams.worker.context import WorkerContext
from streams.worker.deployments import decoded
from streams.worker.ledger import Ledger
from streams.worker.succession import Succeeded
from streams.worker.takeover import OwnedPartition

log = logging.getLogger(__name__)

HOLD_ABOVE = 20_000
RELEASE_BELOW = 5_000
"""Waiting records at which fetching of an input stops, and at which it restarts."""

LOST_AFTER = 5.0
"""Seconds after which records that the broker has and the fetcher does not deliver are fetched again."""


class Again(Exception):
    """The partition must be taken over anew, although nothing failed here."""

    cause = "positions"


class Intake:
    """Queues the runs of one partition and offers them to its machine."""

    def __init__(
        self,
        app: BatchApp,
        owned: OwnedPartition,
        ledger: Ledger,
        caution: Caution,
        context: WorkerContext,
    ) -> None:
        """Start with an empty queue."""
        self._beside_if_many = context.beside_if_many
        self._app = app
        self._caution = caution
        self._partition = owned.partition
        self._chain = owned.chain
        self._group = context.group
        self._transfers = context.transfers
        self._ledger = ledger
        self._offsets = context.offsets
        self._metrics = context.metrics
        self._buffered: Counter[str] = Counter()
        self._runs: deque[Run] = deque()
        self._queued: Counter[str] = Counter()
        self._held: set[str] = set()
        self._seeking: set[str] = set()
        self._moved_at = time.monotonic()
        self._lookup: Lookup | None = None
        self._answered: Callable[[], object] = lambda: None
        self.asking = False
        """Whether the first run waits for the schema registry."""

    def ask_registry(self, lookup: Lookup | None, answered: Callable[[], object]) -> None:
        """Let runs with new schema ids wait for the registry; `answered` is called when it has answered."""
        self._lookup, self._answered = lookup, answered

    def __bool__(self) -> bool:
        """Whether a queued run can be offered."""
        return bool(self._runs) and not self.asking

    @property
    def queued(self) -> int:
        """The number of records in the queued runs."""
        return self._queued.total()

    def add(self, run: Run) -> None:
        """Queue a fetched run."""
        self._runs.append(run)
        self._queued[run.topic] += len(run.records)
        self.balance()

    def oldest(self, topic: str) -> int | None:
        """The Kafka timestamp in milliseconds of the first queued record of a topic."""
        runs = (run for run in self._runs if run.topic == topic and run.records)
        first = next(runs, None)
        return None if first is None else first.records.first_timestamp

    async def offer_next(self) -> None:
        """Offer the next run to the machine, up to the first record whose schema is not known yet."""
        run = self._readable(self._runs.popleft())
        self._queued[run.topic] -= len(run.records)
        if run.topic == DEPLOYMENTS:
            await self._offer_deployments(run)
            self.look()
            return
        with self._metrics.stage("decode"):
            refused = self._caution.refused(run.topic)
            if run.topic == self._transfers:
                missing, accepted = await self._beside_if_many(
                    len(run.records), self._partition.offer_fetched_transfers, run.records, READABLE, refused
                )
            else:
                missing, accepted = await self._beside_if_many(
                    len(run.records), self._partition.offer_fetched, run.topic, run.records, READABLE, refused
                )
                self._metrics.costs.received(run.topic, accepted)
        if missing is None:
            self._seeking.discard(run.topic)
            self._ledger.accept(run, accepted)
            self._moved_at = time.monotonic()
        elif run.topic not in self._seeking:
            await self._fetch_again(run.topic, missing)
        self.look()

    async def _offer_deployments(self, run: Run) -> None:
        """Offer deployments to the machine; a machine that runs rule files is replaced at the first of them."""
        found = await self._beside_if_many(len(run.records), decoded, self._group, run.records)
        followed = self._chain.add_all(found)
        for each in found:
            if each.offset not in self._chain.followed:
                self._metrics.passed_over.inc()
                log.warning(
                    "partition %d: deployment %s at offset %d follows %s, not %s: passed over",
                    self._partition.number, each.deployment_id, each.offset, each.follows, self._chain.last,
                )  # fmt: skip
        if self._partition.deployment is None:
            if followed:
                raise Succeeded(None, None)
            self._ledger.pass_over(run)
            return
        missing = self._partition.offer_deployments(run.start, followed, run.end)
        if missing is not None and run.topic not in self._seeking:
            await self._fetch_again(run.topic, missing)
        elif missing is None:
            self._seeking.discard(run.topic)
            self._ledger.pass_over(run)
            self._moved_at = time.monotonic()

    def _readable(self, run: Run) -> Run:
        """Return the records before the first schema id that the registry must be asked about; the rest waits."""
        found = self._unsettled(run)
        if self._lookup is None or found is None:
            return run
        place, topic, number = found
        rest = run.records.split_off(place)
        self._runs.appendleft(Run(run.topic, run.partition, rest.start, rest, run.end))
        self.asking = True
        task = self._lookup.settle(topic, number)
        task.add_done_callback(lambda _done: self._go_on())
        return Run(run.topic, run.partition, run.start, run.records, rest.start)

    def _unsettled(self, run: Run) -> tuple[int, str, int] | None:
        if self._lookup is None:
            return None
        if run.topic == self._transfers:
            # The schema of transfers is ours alone; the records in them were written by others.
            return self._lookup.first_unsettled_within(run.records)
        found = self._lookup.first_unsettled(run.topic, run.records)
        return None if found is None else (found[0], run.topic, found[1])

    def _go_on(self) -> None:
        self.asking = False
        self._answered()

    async def _fetch_again(self, topic: str, offset: int) -> None:
        """Seek to the offset that the machine expects: records were skipped. Runs that come before it are dropped."""
        asked = TopicPartition(topic, self._partition.number)
        first = (await self._offsets.starts([asked]))[asked]
        if first > offset:
            raise Again(f"{topic}: offset {offset} is expected, but the topic begins at {first}")
        log.warning("%s-%d: offsets were skipped, going back to %d", topic, self._partition.number, offset)
        self._seeking.add(topic)
        await self._app.place(self._partition.number, {topic: offset})

    @property
    def waiting(self) -> int:
        """The number of waiting records, here and in the machine at the last look."""
        return self._queued.total() + self._buffered.total()

    def look(self) -> None:
        """Look at what waits in the machine. Call it while the machine is idle: otherwise it blocks."""
        self._buffered = Counter({topic: self._partition.buffered(topic) for topic in self._partition.topics})
        self.balance()

    def balance(self) -> None:
        """Stop fetching inputs that are far ahead of the machine, and resume those that it has caught up with."""
        for topic in self._partition.topics:
            held = topic in self._held
            waiting = self._queued[topic] + self._buffered[topic]
            if held and waiting < RELEASE_BELOW:
                self._held.discard(topic)
                self._app.hold(topic, self._partition.number, False)
            elif not held and waiting > HOLD_ABOVE:
                self._held.add(topic)
                self._app.hold(topic, self._partition.number, True)

    async def fetch_lost(self, ends: dict[str, int]) -> None:
        """Fetch again what the broker has and the fetcher does not deliver: a lost run must not stop the partition."""
        if time.monotonic() - self._moved_at < LOST_AFTER:
            return
        expected = self._ledger.expected
        lost = {
            topic: expected[topic]
            for topic, end in ends.items()
            if end > expected[topic] and topic not in self._held and not self._queued[topic]
        }
        self._moved_at = time.monotonic()
        if lost:
            log.warning(
                "partition %d: records don't come, fetching again from %s", self._partition.number, lost
            )
            self._metrics.refetches.inc()
            await self._app.place(self._partition.number, lost)
