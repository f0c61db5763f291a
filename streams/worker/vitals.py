"""How a partition that is served is doing: what its commits did, what a scrape is told, whether it gets on."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from segments.engine import Effects, Partition
from streams.clock import wall_clock
from streams.store.stores import PartitionStore
from streams.telemetry.gauges import PartitionState
from streams.telemetry.metrics import Metrics
from streams.transport import BatchApp
from streams.worker.intake import Intake
from streams.worker.ledger import Ledger


class Vitals:
    """Watches one partition from its take-over on."""

    def __init__(
        self,
        app: BatchApp,
        partition: Partition,
        store: PartitionStore,
        intake: Intake,
        ledger: Ledger,
        metrics: Metrics,
    ) -> None:
        """Begin as if something had just moved."""
        self._app = app
        self._partition = partition
        self._store = store
        self._intake = intake
        self._ledger = ledger
        self._metrics = metrics
        self._committed_at = 0
        self.ends: dict[str, int] = {}
        """The ends of the inputs, as they were last asked for."""
        self._moved_at = time.monotonic()
        self._resting = False

    def committed(self, effects: Effects, seconds: float) -> None:
        """Count what is committed now."""
        self._moved_at = time.monotonic()
        self._committed_at = now = wall_clock()
        for _, event in effects.segment_events:
            if (taken_in := self._ledger.taken_in_at(event["cause"])) is not None:
                self._metrics.event_to_flip.observe(max(0, now - taken_in) / 1000)
        self._metrics.committed(effects, self._ledger.settle(effects.offsets), seconds)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Wait in this block: with nothing left to do, time spent in it is nobody's fault."""
        # A schema registry that is away is waited for, as a broker is.
        self._resting = self._intake.asking or sum(self.lag().values()) == 0
        try:
            yield
        finally:
            self._moved_at = self.moved_at
            self._resting = False

    @property
    def moved_at(self) -> float:
        """When something was last committed, or nothing was left to do, on the monotonic clock."""
        return time.monotonic() if self._resting else self._moved_at

    def go_on_from(self, moved_at: float) -> None:
        """Count the time before the take-over too: one that always ends in the same error gets nowhere."""
        self._moved_at = moved_at

    def lag(self) -> dict[str, int]:
        """Return the records of each topic that are not applied and committed."""
        lag = {}
        for topic, committed in self._ledger.committed.items():
            fetched = self._app.end(topic, self._partition.number)
            lag[topic] = max(fetched, self.ends.get(topic, 0), self._ledger.expected[topic]) - committed
        return lag

    def _oldest(self, topic: str) -> int | None:
        accepted = self._ledger.oldest(topic)
        return self._intake.oldest(topic) if accepted is None else accepted

    def state(self) -> PartitionState:
        """Say how the partition is, for a scrape."""
        partition, lag = self._partition, self.lag()
        oldest = {topic: self._oldest(topic) for topic, count in lag.items() if count > 0}
        members = Counter(dict.fromkeys(partition.rules.ids, 0))
        members.update(partition.members)
        return PartitionState(
            partition.number,
            serving=True,
            clock=partition.clock,
            lag=lag,
            oldest={topic: at for topic, at in oldest.items() if at is not None},
            members=members,
            pending=partition.pending,
            next_due=partition.next_due,
            committed_at=self._committed_at,
            size=self._store.size(),
        )
