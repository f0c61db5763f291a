"""The metrics of a worker, in a registry of ours; changed once for each batch, never for each record.

What is counted is counted when its transaction is committed. Gauges about partitions are read from their owners at the
moment of a scrape, so that nothing stays behind when a partition goes to another worker.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from segments.engine.records import INPUTS, Effects

OUTCOMES = ("applied", "duplicate", "ignored", "dead_letter")
STAGES = ("fetch", "decode", "offer", "advance", "confirm", "encode", "changelog", "commit")

SECONDS = (0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
COMMIT_SECONDS = (0.002, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class PartitionState:
    """What can be said about a partition at the moment of a scrape."""

    number: int
    clock: int = 0
    """Milliseconds."""
    lag: dict[str, int] = field(default_factory=dict)
    members: Tally[str] = field(default_factory=Tally)
    pending: int = 0
    remaining: int = 0


class Metrics:
    """All metrics of one worker."""

    def __init__(self, version: str = "", rules_digest: str = "") -> None:
        """Register everything, labels that are known beforehand included, so that rates start from 0."""
        self.registry = CollectorRegistry()
        self._counters()
        self._histograms()
        for topic in INPUTS:
            self.consumed.labels(topic)
            for outcome in OUTCOMES:
                self.records.labels(topic, outcome)
        for stage in STAGES:
            self.stages.labels(stage)
        self._info("segments_build_info", "The version of the code.", "version", version)
        self._info("segments_rules_info", "The rule set, by its digest.", "digest", rules_digest)

    def _counters(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"segments_{name}", text, labels, registry=self.registry)

        self.consumed = counter("records_consumed_total", "Records consumed, committed.", "topic")
        self.records = counter("records_total", "Records by what became of them.", "topic", "outcome")
        self.flips = counter("flips_total", "Enters and exits.", "segment", "transition", "reason")
        self.dead_letters = counter("dead_letters_total", "Records refused.", "reason")
        self.engine_errors = counter("engine_errors_total", "Bugs met by flips by time.")
        self.commits = counter(
            "commits_total", "Transactions: committed, fenced or unknown_outcome.", "result"
        )
        self.rebalances = counter("rebalances_total", "Assignments of the group to this worker.")
        self.take_overs = counter("take_overs_total", "Partitions taken over, by cause.", "cause")
        self.gaps = counter("gaps_total", "Skips in the offsets that came, each fetched again.")
        self.refetches = counter("refetches_total", "Records that didn't come and were fetched again.")
        self.offset_mismatches = counter(
            "offset_mismatches_total", "Committed offsets other than the record beside the customers says."
        )
        self.lost_ranges = counter("lost_ranges_total", "Offsets gone before they were read.", "topic")
        self.stages = counter("stage_seconds_total", "Where the time goes.", "stage")
        self.recovery_seconds = counter("recovery_seconds_total", "Time spent restoring partitions.")
        self.recoveries = counter("recoveries_total", "Partitions restored.")

    def _histograms(self) -> None:
        self.commit_seconds = Histogram(
            "segments_commit_seconds",
            "Duration of a transaction.",
            buckets=COMMIT_SECONDS,
            registry=self.registry,
        )
        self.event_to_flip = Histogram(
            "segments_event_to_flip_seconds",
            "From the Kafka timestamp of the record that caused a flip to its commit.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.lateness = Histogram(
            "segments_timer_lateness_seconds",
            "From the instant of a flip by time to the clock at which it fired.",
            buckets=SECONDS,
            registry=self.registry,
        )

    def _info(self, name: str, text: str, label: str, value: str) -> None:
        Gauge(name, text, (label,), registry=self.registry).labels(value).set(1)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.stages.labels(name).inc(time.perf_counter() - began)

    @contextmanager
    def recovering(self) -> Iterator[None]:
        """Count a restoration and its duration."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.recovery_seconds.inc(time.perf_counter() - began)
        self.recoveries.inc()

    def committed(self, effects: Effects, consumed: Tally[str], seconds: float) -> None:
        """Count what a transaction that is known to be committed did."""
        self.commits.labels("committed").inc()
        self.commit_seconds.observe(seconds)
        for topic, count in consumed.items():
            self.consumed.labels(topic).inc(count)
        for (topic, outcome), count in effects.outcomes.items():
            self.records.labels(topic, outcome).inc(count)
        for reason, count in effects.reasons.items():
            self.dead_letters.labels(reason).inc(count)
        self._flips(effects)
        for milliseconds in effects.lateness:
            self.lateness.observe(max(0, milliseconds) / 1000)
        self.gaps.inc(effects.gaps)
        self.engine_errors.inc(effects.engine_errors)

    def _flips(self, effects: Effects) -> None:
        flips = Tally(
            (each["segment"], each["transition"], each["reason"]) for _, each in effects.segment_events
        )
        for labels, count in flips.items():
            self.flips.labels(*labels).inc(count)

    def watch(self, partitions: Callable[[], Iterable[PartitionState]]) -> None:
        """Read the gauges of partitions from their owners at each scrape."""
        self.registry.register(_Partitions(partitions))

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)


class _Partitions(Collector):
    """Gauges that are made at the moment of a scrape."""

    def __init__(self, partitions: Callable[[], Iterable[PartitionState]]) -> None:
        self._partitions = partitions

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges of the partitions that this worker owns now."""
        states = sorted(self._partitions(), key=lambda each: each.number)
        lag = GaugeMetricFamily(
            "segments_consumer_lag_records",
            "Records not applied and committed yet.",
            labels=("topic", "partition"),
        )
        clock = GaugeMetricFamily(
            "segments_partition_clock_timestamp_seconds", "The clock of a partition.", labels=("partition",)
        )
        pending = GaugeMetricFamily(
            "segments_customers_pending", "Customers with a flip by time to come.", labels=("partition",)
        )
        remaining = GaugeMetricFamily(
            "segments_recovery_remaining_records",
            "Changelog offsets still to be restored.",
            labels=("partition",),
        )
        members = GaugeMetricFamily(
            "segments_members",
            "Customers in a segment, of the partitions of this worker.",
            labels=("segment",),
        )
        for state in states:
            number = str(state.number)
            for topic, count in sorted(state.lag.items()):
                lag.add_metric((topic, number), count)
            clock.add_metric((number,), state.clock / 1000)
            pending.add_metric((number,), state.pending)
            remaining.add_metric((number,), state.remaining)
        total: Tally[str] = sum((state.members for state in states), Tally())
        for segment, count in sorted(total.items()):
            members.add_metric((segment,), count)
        owned = GaugeMetricFamily(
            "segments_partitions_owned", "Partitions of this worker.", value=len(states)
        )
        return (lag, clock, pending, remaining, members, owned)
