"""What is read at the moment of a scrape: how each partition is, and what each rule costs and reads.

Nothing stays behind when a partition goes to another worker: each scrape builds its series, or leaves them out.
What is not known is left out, rather than told as 0.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

DEPLOYMENT_STATES = ("waiting", "filling", "taking_over", "running")
"""Of a partition: it has no rule set yet; new measures are filled; customers are taken over; none of these."""


@dataclass(frozen=True, slots=True)
class PartitionState:
    """What can be said about a partition; times are in milliseconds, 0 or None where nothing is known."""

    number: int
    serving: bool = False
    """Whether it is restored and being served; until then `remaining` is known, and how far it was before."""
    remaining: int = 0
    clock: int = 0
    lag: dict[str, int] = field(default_factory=dict)
    oldest: dict[str, int] = field(default_factory=dict)
    """The Kafka timestamp of the first record that is not committed; no topic of which nothing waits."""
    members: Tally[str] = field(default_factory=Tally)
    watches: Tally[str] = field(default_factory=Tally)
    pending: int = 0
    next_due: int | None = None
    committed_at: int = 0
    replaced: tuple[str, ...] = ()
    """The inputs that were deleted and made again since they were read: the partition stands still."""
    size: tuple[int, int] = (0, 0)
    """Entries and bytes of the state."""
    deployment: str | None = None
    """The id of the deployment that it runs; None: rules of files, or none yet."""
    deployed_at: int | None = None
    """The Kafka timestamp of that deployment."""
    filling: str | None = None
    """The id of the deployment whose measures are filled beside it."""
    filled: bool = False
    """Whether they are."""
    deployment_state: str | None = None
    """One of `DEPLOYMENT_STATES`; None while it is restored."""
    borders_taken_at: int | None = None
    """When the oldest border was taken that its rules read; None: they read none that is published."""
    borders_missing: int | None = None
    """How many borders that its rules read are not published; None: they read none."""
    fitted: tuple[tuple[str, int], ...] = ()
    """The models that its rules read, and up to when each was fitted."""
    taken_over: int = 0
    """Customers whom the rule set has taken over since the partition was made with it here."""
    left: int = 0
    """Customers whom it has yet to take over."""
    moved: Tally[tuple[str, str]] = field(default_factory=Tally)
    """Flips of this take-over, by segment and transition, as committed."""


@dataclass(frozen=True, slots=True)
class RuleState:
    """What can be said about a rule."""

    segment: str
    seconds: float = 0.0
    evaluations: int = 0
    input_at: int | None = None
    """The Kafka timestamp, in milliseconds, of the latest event of its quietest input."""
    control: float | None = None
    """The share of customers in its control group; None: it has none."""


class PartitionGauges(Collector):
    """The gauges of the partitions that this worker owns now."""

    def __init__(self, partitions: Callable[[], Iterable[PartitionState]]) -> None:
        self._partitions = partitions

    def collect(self) -> Iterable[Metric]:
        """Yield them."""
        states = sorted(self._partitions(), key=lambda each: each.number)
        serving = [state for state in states if state.serving]
        yield GaugeMetricFamily(
            "segments_partitions_owned", "Partitions that this worker owns.", value=len(states)
        )
        yield _gauge(
            "partition_ready", "1 if a partition is restored and served, else 0.",
            (((state.number,), int(state.serving)) for state in states),
        )  # fmt: skip
        yield _gauge(
            "recovery_remaining_records", "Changelog offsets that remain to be restored.",
            (((state.number,), state.remaining) for state in states),
        )  # fmt: skip
        yield _gauge(
            "last_commit_timestamp_seconds", "Time of the last commit of a partition by this worker.",
            (((state.number,), state.committed_at / 1000) for state in states if state.committed_at),
        )  # fmt: skip
        yield from _instants(serving)
        yield from _amounts(serving)
        yield from _by_topic(states)
        yield _gauge(
            "input_replaced", "1 if an input is another topic than the one that was read: its partition stands still.",
            (((topic, state.number), 1) for state in states for topic in state.replaced),
            "topic", "partition",
        )  # fmt: skip
        yield _gauge(
            "members", "Members of a segment.",
            (((segment, state.number), count) for state in serving for segment, count in state.members.items()),
            "segment", "partition",
        )  # fmt: skip
        yield _gauge(
            "watches_open", "Enters into a segment with a goal whose outcome is awaited.",
            (((segment, state.number), count) for state in serving for segment, count in state.watches.items()),
            "segment", "partition",
        )  # fmt: skip
        yield _gauge(
            "deployment_info", "The deployment whose rule set a partition runs. Always 1.",
            (((state.number, state.deployment), 1) for state in states if state.deployment is not None),
            "partition", "deployment_id",
        )  # fmt: skip
        yield _gauge(
            "deployment_timestamp_seconds", "When the deployment that a partition runs was written to its log.",
            (((state.number,), state.deployed_at / 1000) for state in states if state.deployed_at is not None),
        )  # fmt: skip
        yield _gauge(
            "deployment_state", "1 for what a partition does about deployments, else 0.",
            (
                ((state.number, each), int(each == state.deployment_state))
                for state in states if state.deployment_state is not None for each in DEPLOYMENT_STATES
            ),
            "partition", "state",
        )  # fmt: skip
        yield from _learned(states)


def _gauge(
    name: str, text: str, samples: Iterable[tuple[tuple[object, ...], float]], *labels: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"segments_{name}", text, labels=labels or ("partition",))
    for values, sample in samples:
        family.add_metric(tuple(map(str, values)), sample)
    return family


def _instants(states: list[PartitionState]) -> Iterator[Metric]:
    """Instants, never ages: a query computes the age."""
    yield _gauge(
        "partition_clock_timestamp_seconds", "Clock of a partition.",
        (((state.number,), state.clock / 1000) for state in states if state.clock > 0),
    )  # fmt: skip
    yield _gauge(
        "next_due_timestamp_seconds", "Time of the next timer of a partition.",
        (((state.number,), state.next_due / 1000) for state in states if state.next_due is not None),
    )  # fmt: skip


def _learned(states: list[PartitionState]) -> Iterator[Metric]:
    """Of numbers that are learned from customers, how old they are."""
    yield _gauge(
        "borders_taken_timestamp_seconds", "When the oldest border was taken that the rules of a partition read.",
        (((state.number,), state.borders_taken_at / 1000) for state in states if state.borders_taken_at is not None),
    )  # fmt: skip
    yield _gauge(
        "borders_missing", "Borders that the rules of a partition read and nobody has published.",
        (((state.number,), state.borders_missing) for state in states if state.borders_missing is not None),
    )  # fmt: skip
    yield _gauge(
        "model_fitted_timestamp_seconds", "The last event that a model knows, which the rules of a partition read.",
        (((state.number, model), at / 1000) for state in states for model, at in state.fitted),
        "partition", "model",
    )  # fmt: skip


def _amounts(states: list[PartitionState]) -> Iterator[Metric]:
    yield _gauge(
        "customers_pending", "Customers with a timer: time alone will flip or forget them.",
        (((state.number,), state.pending) for state in states),
    )  # fmt: skip
    yield _gauge(
        "state_entries", "Records in the store: one or two a customer, one for the partition (RocksDB: an estimate).",
        (((state.number,), state.size[0]) for state in states),
    )  # fmt: skip
    yield _gauge(
        "state_bytes", "Size of the encoded states (RocksDB: an estimate).",
        (((state.number,), state.size[1]) for state in states),
    )  # fmt: skip


def _by_topic(states: list[PartitionState]) -> Iterator[Metric]:
    yield _gauge(
        "consumer_lag_records", "Records in the topic that are not applied and committed yet.",
        (((topic, state.number), count) for state in states for topic, count in sorted(state.lag.items())),
        "topic", "partition",
    )  # fmt: skip
    yield _gauge(
        "oldest_unprocessed_timestamp_seconds",
        "The Kafka timestamp of the oldest record not committed, as far as known; none where nothing waits.",
        (((topic, state.number), at / 1000) for state in states for topic, at in sorted(state.oldest.items())),
        "topic", "partition",
    )  # fmt: skip


class RuleGauges(Collector):
    """What each rule costs, and when its inputs last came."""

    def __init__(self, rules: Callable[[], Iterable[RuleState]]) -> None:
        self._rules = rules

    def collect(self) -> Iterable[Metric]:
        """Yield it."""
        seconds = CounterMetricFamily(
            "segments_rule_evaluation_seconds",
            "Time spent evaluating a rule, estimated from a sample.",
            labels=("segment",),
        )
        evaluations = CounterMetricFamily(
            "segments_rule_evaluations",
            "Evaluations of a rule, estimated from a sample.",
            labels=("segment",),
        )
        inputs = GaugeMetricFamily(
            "segments_rule_input_timestamp_seconds",
            "Kafka timestamp of the latest event of the quietest input of a rule, since the worker started.",
            labels=("segment",),
        )
        control = GaugeMetricFamily(
            "segments_control_ratio",
            "The share of customers who are in the control group of a rule, as it was deployed.",
            labels=("segment",),
        )
        for rule in self._rules():
            if rule.control is not None:
                control.add_metric((rule.segment,), rule.control)
            seconds.add_metric((rule.segment,), rule.seconds)
            evaluations.add_metric((rule.segment,), rule.evaluations)
            if rule.input_at is not None:
                inputs.add_metric((rule.segment,), rule.input_at / 1000)
        return (seconds, evaluations, inputs, control)
