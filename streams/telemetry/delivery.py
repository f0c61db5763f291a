"""The metrics of `segments deliver`, in a registry of their own; a destination is a label, a customer never."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

RESULTS = ("taken", "failed", "refused", "throttled", "disabled")
OUTCOMES = (
    *("delivered", "dead_letter", "overtaken", "no_consent", "arm", "reason", "never_entered", "had"),
)
"""What becomes of a flip: sent and taken, given up, or not sent, and why."""
REQUEST_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
DELAY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 21_600, 86_400, 259_200)


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A destination at the moment of a scrape; instants in milliseconds."""

    destination: str
    waiting: int
    oldest: int | None
    disabled: bool


class DeliveryMetrics:
    """All metrics of one process that delivers."""

    def __init__(self, destinations: Iterable[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "segments_delivery_requests_total",
            "Requests to a destination, by what the answer means.",
            ["destination", "result"],
            registry=self.registry,
        )
        self.flips = Counter(
            "segments_delivery_flips_total",
            "Enters and exits that are done with, by what became of them.",
            ["destination", "outcome"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "segments_delivery_request_seconds",
            "Duration of a request.",
            ["destination"],
            buckets=REQUEST_SECONDS,
            registry=self.registry,
        )
        self.delay_seconds = Histogram(
            "segments_delivery_delay_seconds",
            "From the Kafka timestamp of a flip to the answer that it is taken.",
            ["destination"],
            buckets=DELAY_SECONDS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        for name in destinations:
            self._begin_at_zero(name)

    def _begin_at_zero(self, destination: str) -> None:
        for result in RESULTS:
            self.requests.labels(destination, result)
        for outcome in OUTCOMES:
            self.flips.labels(destination, outcome)
        self.request_seconds.labels(destination)
        self.delay_seconds.labels(destination)

    def watch(self, states: Callable[[], Iterable[ChannelState]]) -> None:
        """Read the gauges of destinations at each scrape."""
        self.registry.register(_Gauges(states))

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)


class _Gauges:
    """What is so at the moment of a scrape."""

    def __init__(self, states: Callable[[], Iterable[ChannelState]]) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """The families."""
        label = ["destination"]
        waiting = GaugeMetricFamily(
            "segments_delivery_waiting_flips", "Flips that are read and not done with.", labels=label
        )
        oldest = GaugeMetricFamily(
            "segments_delivery_oldest_timestamp_seconds",
            "Kafka timestamp of the oldest flip that waits; none while nothing waits.",
            labels=label,
        )
        disabled = GaugeMetricFamily(
            "segments_delivery_disabled",
            "1 for a destination that answered 410 and is not asked again.",
            labels=label,
        )
        for state in self._states():
            name = [state.destination]
            waiting.add_metric(name, state.waiting)
            disabled.add_metric(name, int(state.disabled))
            if state.oldest is not None:
                oldest.add_metric(name, state.oldest / 1000)
        yield from (waiting, oldest, disabled)
