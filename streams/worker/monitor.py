"""State and progress of a partition that is served: what its commits did, and what a scrape shows."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from segments.engine import Notice, Partition, Transaction
from streams.store.stores import PartitionStore
from streams.telemetry.gauges import PartitionState
from streams.telemetry.metrics import Metrics
from streams.transport import BatchApp
from streams.worker.intake import Intake
from streams.worker.ledger import Ledger
from streams.worker.notices import Notices
from streams.worker.standing import Standing

OF_DEPLOYMENTS = ("rule_added", "rule_changed", "rule_removed", "borders")
"""The reasons of flips by a take-over."""


class MachineSnapshot(NamedTuple):
    """The state of a machine at the last look."""

    clock: int
    members: Counter[str]
    watches: Counter[str]
    pending: int
    next_due: int | None
    sweeping: int
    """Customers that the rule set has not taken over yet."""
    filled: bool | None
    """Whether the filling is complete; None: nothing is to be filled."""


class PartitionMonitor:
    """Watches one partition from its take-over on."""

    def __init__(
        self,
        app: BatchApp,
        partition: Partition,
        store: PartitionStore,
        intake: Intake,
        ledger: Ledger,
        metrics: Metrics,
        standing: Standing,
    ) -> None:
        """Begin where the partition stands."""
        self._app = app
        self._partition = partition
        self._store = store
        self._intake = intake
        self._ledger = ledger
        self._metrics = metrics
        self._standing = standing
        self.notices = Notices(partition.number)
        self._resting = False
        self._moved: Counter[tuple[str, str]] = Counter()
        self.look()
        self._coming = self._seen.sweeping
        self._taken_over = self._coming == 0

    def committed(self, transaction: Transaction, seconds: float) -> None:
        """Count what is committed now."""
        offsets = transaction.offsets
        self._standing.reached(offsets)
        for (segment, transition, reason), count in transaction.flips.items():
            if reason in OF_DEPLOYMENTS:
                self._moved[segment, transition] += count
        self.settled()
        self.notices.note(Notice(*each) for each in transaction.notices)
        self._metrics.committed(transaction, self._ledger.settle(offsets), seconds)

    def settled(self) -> None:
        """Note that nothing is left to be committed: if a take-over has reached its last customer, it is over."""
        self._taken_over = not self._seen.sweeping

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Wait in this block: if nothing is left to do, the time spent here does not count as being stuck."""
        # A registry that is away counts like a broker that is away.
        self._resting = self._intake.asking or sum(self.lag().values()) == 0
        try:
            yield
        finally:
            self.leave()

    @property
    def moved_at(self) -> float:
        """When something was last committed, or nothing was left to do, on the monotonic clock."""
        return time.monotonic() if self._resting else self._standing.moved_at

    def leave(self) -> None:
        """End the rest; what is known about the oldest records stays."""
        self._standing.moved_at = self.moved_at
        self._resting = False
        self._oldest()

    def told(self, ends: Mapping[str, int]) -> None:
        """Note the end offsets of the inputs from the latest answer."""
        self._standing.ends.update(ends)

    def lag(self) -> dict[str, int]:
        """Return the records of each topic that are not applied and committed."""
        ends = self._standing.ends
        for topic, expected in self._ledger.expected.items():
            fetched = self._app.end(topic, self._partition.number)
            ends[topic] = max(fetched, ends.get(topic, 0), expected)
        return self._standing.lag()

    def _oldest(self) -> dict[str, int]:
        found: dict[str, int | None] = {}
        for topic in self.lag():
            accepted = self._ledger.oldest(topic)
            found[topic] = self._intake.oldest(topic) if accepted is None else accepted
        return self._standing.oldest(found)

    def look(self) -> None:
        """Look at the machine for the next scrape. Call it while the machine is idle: otherwise it blocks."""
        partition = self._partition
        members = Counter(dict.fromkeys(partition.rules.ids, 0))
        members.update(partition.members)
        watches = partition.watches
        filling = partition.filling
        self._seen = MachineSnapshot(
            partition.clock,
            members,
            watches,
            partition.pending,
            partition.next_due,
            partition.sweeping,
            None if filling is None else filling.done,
        )

    def _deployment_state(self) -> str:
        if not self._taken_over:
            return "taking_over"
        return "filling" if self._seen.filled is False else "running"

    def state(self) -> PartitionState:
        """Say how the partition is, for a scrape."""
        seen, lag, partition = self._seen, self.lag(), self._partition
        taken_at, missing, fitted = _learned(partition)
        return PartitionState(
            self._partition.number,
            serving=True,
            clock=seen.clock,
            lag=lag,
            oldest=self._oldest(),
            members=seen.members,
            watches=seen.watches,
            pending=seen.pending,
            next_due=seen.next_due,
            committed_at=self._standing.committed_at,
            size=self._store.size(),
            deployment=None if partition.deployment is None else partition.deployment.deployment_id,
            deployed_at=None if partition.deployment is None else partition.deployment.timestamp,
            deployment_state=self._deployment_state(),
            borders_taken_at=taken_at,
            borders_missing=missing,
            fitted=fitted,
            filling=None if partition.filled_by is None else partition.filled_by.deployment_id,
            filled=seen.filled is True,
            taken_over=self._coming - seen.sweeping,
            left=seen.sweeping,
            moved=Counter(self._moved),
        )


def _learned(partition: Partition) -> tuple[int | None, int | None, tuple[tuple[str, int], ...]]:
    """The instant of the oldest border, the number of missing ones, and the instants up to which models were fitted."""
    wanted = set(partition.rules.data.borders)
    taken = {each.key: each.taken_at for each in partition.rules.borders if each.key in wanted}
    missing = len(wanted) - len(taken) if wanted else None
    fitted = () if partition.deployment is None else partition.deployment.fitted
    return min(taken.values(), default=None), missing, fitted
