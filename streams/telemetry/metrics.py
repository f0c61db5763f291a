"""The metrics of a worker, in a registry of ours; changed once for each batch, never for each record.

What is counted is counted when its transaction is committed. Gauges about partitions are read from their owners at the
moment of a scrape, so that nothing stays behind when a partition goes to another worker.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from segments.engine import IDENTITIES, INPUTS, NOTICES, Partition, PlannedRules, RuleSet, Transaction
from streams.telemetry.gauges import PartitionGauges, PartitionState, RuleGauges
from streams.telemetry.rule_costs import RuleCosts

# When a counter began is what process_start_time_seconds tells: not a series more for each of them.
disable_created_metrics()  # type: ignore[no-untyped-call]

OUTCOMES = ("applied", "duplicate", "ignored", "dead_letter", "forwarded")
LINKS = ("applied", "duplicate", "conflict", "cycle", "limit", "ignored", "unlinked")
"""What becomes of a link of two ids."""
TRANSFERS = ("state", "record", "link", "erasure")
"""The kinds of what one partition sends another."""
RESULTS = ("committed", "fenced", "refused", "unknown_outcome", "aborted")
CAUSES = (
    "assigned", "fenced", "refused", "replaced", "unknown_outcome", "broker", "positions", "deployment", "waiting",
    "error",
)  # fmt: skip
REASONS = (
    "undecodable", "unknown_schema", "no_key", "key_mismatch", "invalid_id", "invalid_amount", "unknown_kind",
    "wrong_partition", "from_the_future", "too_long", "too_large", "not_finite", "customer_limit",
    "identity_cycle", "identity_conflict", "identity_limit", "engine_error",
)  # fmt: skip
"""Of dead letters."""
STAGES = ("fetch", "decode", "offer", "advance", "confirm", "encode", "changelog", "commit")

WAITS = ("inputs", "grace", "gathering", "transaction")
"""What a flip waits for: the first two are alternatives, by its cause; the others follow."""

SECONDS = (0.002, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
COMMIT_SECONDS = (0.002, 0.004, 0.006, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class Metrics:
    """All metrics of one worker."""

    def __init__(self, version: str = "", rules: RuleSet | None = None, partitions: int = 0) -> None:
        """Register everything, labels that are known beforehand included, so that rates start from 0."""
        self.registry = CollectorRegistry()
        self._counters()
        self._of_segments()
        self._of_links()
        self._histograms()
        self._begin_at_zero()
        rules = rules or RuleSet([])
        self.costs = RuleCosts(rules)
        self.registry.register(RuleGauges(self.costs.states))
        ProcessCollector(registry=self.registry)
        info = self._gauge(
            "build_info", "Version of the code and kind of its engine. Always 1.", "version", "engine"
        )
        info.labels(version, "native").set(1)
        self._rules_info = self._gauge("rules_info", "Digest of the rule set. Always 1.", "digest")
        self._rules = self._gauge("rules", "Number of rules.")
        self._tell_rules(rules)
        self._gauge(
            "input_partitions", "Partitions of each input topic, those of other workers included."
        ).set(partitions)

    def _begin_at_zero(self) -> None:
        for wait in WAITS:
            self.flip_waits.labels(wait)
        for topic in (*INPUTS, IDENTITIES):
            self.consumed.labels(topic)
            self.lost_ranges.labels(topic)
            for outcome in OUTCOMES:
                self.records.labels(topic, outcome)
        known = (
            (self.links, LINKS),
            (self.transfers, TRANSFERS),
            (self.stages, STAGES),
            (self.commits, RESULTS),
            (self.take_overs, CAUSES),
        )
        for counter, values in (*known, (self.dead_letters, REASONS), (self.notices, NOTICES)):
            for value in values:
                counter.labels(value)

    def _counters(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"segments_{name}", text, labels, registry=self.registry)

        self.consumed = counter(
            "records_consumed_total", "Records consumed, counted when they are committed.", "topic"
        )
        self.records = counter(
            "records_total", "Records by their outcome, counted when they are committed.", "topic", "outcome"
        )
        self.dead_letters = counter("dead_letters_total", "Records refused as dead letters.", "reason")
        self.engine_errors = counter("engine_errors_total", "Bugs in the engine while a timer fired.")
        self.commits = counter(
            "commits_total",
            "Transactions by result: committed, aborted, fenced, refused for their size, unknown_outcome.",
            "result",
        )
        self.rebalances = counter("rebalances_total", "Assignments that this worker got from the group.")
        self.take_overs = counter("take_overs_total", "Take-overs of a partition, by cause.", "cause")
        self.notices = counter(
            "notices_total", "Records that did not do what their sender may have meant.", "notice"
        )
        self.passed_over = counter(
            "deployments_passed_over_total", "Deployments of the group, but not of its chain, passed over."
        )
        self.gaps = counter("gaps_total", "Gaps in the offsets fetched. Each gap was fetched again.")
        self.refetches = counter("refetches_total", "Records that were missing and fetched again.")
        self.offset_mismatches = counter(
            "offset_mismatches_total",
            "Group offsets that differed from the partition's own position at a take-over.",
        )
        self.lost_ranges = counter(
            "lost_ranges_total", "Ranges of offsets that Kafka deleted before they were read.", "topic"
        )
        self.stages = counter(
            "stage_seconds_total", "Time of the event loop by stage of processing.", "stage"
        )
        self.recovery_seconds = counter("recovery_seconds_total", "Time spent in restores.")
        self.recoveries = counter("recoveries_total", "Restores of a partition.")

    def _of_links(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"segments_{name}", text, labels, registry=self.registry)

        self.links = counter("links_total", "Links of two ids, by what became of them.", "outcome")
        self.transfers = counter(
            "transfers_total", "What was sent to ids of other partitions, by kind.", "kind"
        )

    def _of_segments(self) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"segments_{name}", text, labels, registry=self.registry)

        self.waiting = counter(
            "values_waiting_total",
            "Enters that waited, at each evaluation, since the customer was in the segment for 100 values.",
        )
        self.flips = counter("flips_total", "Enters and exits committed.", "segment", "transition", "reason")
        self.outcomes = counter(
            "outcomes_total", "Segment outcomes committed; arm is empty without a control group.",
            "segment", "arm", "kind",
        )  # fmt: skip
        self.arms = counter(
            "arms_total", "Enters committed of segments with a control group.", "segment", "arm"
        )
        self.dropped_watches = counter(
            "watches_dropped_total", "Open watches dropped before they matured.", "segment", "reason"
        )

    def _histograms(self) -> None:
        self.commit_seconds = Histogram(
            "segments_commit_seconds",
            "Duration of a transaction.",
            buckets=COMMIT_SECONDS,
            registry=self.registry,
        )
        self.event_to_flip = Histogram(
            "segments_event_to_flip_seconds",
            "Time from the Kafka timestamp of the record that caused a flip to the commit of the flip.",
            buckets=SECONDS,
            registry=self.registry,
        )
        self.flip_waits = Histogram(
            "segments_flip_wait_seconds",
            "Time that a flip waited, by what it waited for: inputs, grace, gathering, transaction.",
            ("wait",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.lateness = Histogram(
            "segments_timer_lateness_seconds",
            "Time from the instant of a timer to the clock at which it fired.",
            buckets=SECONDS,
            registry=self.registry,
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"segments_{name}", text, labels, registry=self.registry)

    def _tell_rules(self, rules: RuleSet | PlannedRules) -> None:
        self._rules_info.clear()
        self._rules_info.labels(rules.digest).set(1)
        self._rules.set(len(rules.ids))

    def follow(self, partition: Partition) -> None:
        """Tell of the rule set of a partition that was just taken over, if it was deployed."""
        if partition.deployment is not None:
            self.costs.follow(partition.rules)
            self._tell_rules(partition.rules)

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

    def committed(self, effects: Transaction, consumed: Tally[str], seconds: float) -> None:
        """Count what a transaction that is known to be committed did."""
        self.commits.labels("committed").inc()
        self.commit_seconds.observe(seconds)
        for topic, count in consumed.items():
            self.consumed.labels(topic).inc(count)
        for (topic, outcome), count in effects.outcomes.items():
            self.records.labels(topic, outcome).inc(count)
        for reason, count in effects.reasons.items():
            self.dead_letters.labels(reason).inc(count)
        for outcome, count in effects.links.items():
            self.links.labels(outcome).inc(count)
        for kind, count in effects.transfers.items():
            self.transfers.labels(kind).inc(count)
        for notice, *_ in effects.notices:
            self.notices.labels(notice).inc()
        for labels, count in effects.flips.items():
            self.flips.labels(*labels).inc(count)
        for labels, count in effects.told.items():
            self.outcomes.labels(*labels).inc(count)
        for pair, count in effects.arms.items():
            self.arms.labels(*pair).inc(count)
        for pair, count in Tally(effects.dropped).items():
            self.dropped_watches.labels(*pair).inc(count)
        for milliseconds in effects.lateness:
            self.lateness.observe(max(0, milliseconds) / 1000)
        self.gaps.inc(effects.gaps)
        self.waiting.inc(effects.waiting)
        self.engine_errors.inc(effects.engine_errors)

    def watch(self, partitions: Callable[[], Iterable[PartitionState]]) -> None:
        """Read the gauges of partitions from their owners at each scrape."""
        self.registry.register(PartitionGauges(partitions))

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)
