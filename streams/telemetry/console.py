"""The metrics of `segments console`, in a registry of their own; no page and no customer is a label."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

STATUSES = ("2xx", "3xx", "4xx", "5xx")
ANSWER_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class ConsoleState:
    """How far a console is at the moment of a scrape."""

    as_of: int | None
    """The latest instant at which all was read, in milliseconds."""
    remaining: int
    customers: int
    streams: int


class ConsoleMetrics:
    """All metrics of one console."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answers = Counter(
            "segments_console_answers_total",
            "Answers to requests, by the class of their status.",
            ["status"],
            registry=self.registry,
        )
        self.answer_seconds = Histogram(
            "segments_console_answer_seconds",
            "Duration of an answer, streams of updates left out.",
            buckets=ANSWER_SECONDS,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        for status in STATUSES:
            self.answers.labels(status)

    def watch(self, states: Callable[[], Iterable[ConsoleState]]) -> None:
        """Read the gauges at each scrape."""
        self.registry.register(_Gauges(states))

    def text(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return generate_latest(self.registry)


class _Gauges:
    """What is so at the moment of a scrape."""

    def __init__(self, states: Callable[[], Iterable[ConsoleState]]) -> None:
        self._states = states

    def collect(self) -> Iterator[Metric]:
        """The families."""
        as_of = GaugeMetricFamily(
            "segments_console_as_of_timestamp_seconds",
            "The latest instant at which all was read that Kafka had; none before that was so.",
        )
        remaining = GaugeMetricFamily(
            "segments_console_remaining_records",
            "Offsets that remain to be read of what there was at the start.",
        )
        customers = GaugeMetricFamily(
            "segments_console_customers", "Customers with a membership record in the console's file."
        )
        streams = GaugeMetricFamily("segments_console_streams", "Pages that are open and are sent updates.")
        for state in self._states():
            remaining.add_metric([], state.remaining)
            customers.add_metric([], state.customers)
            streams.add_metric([], state.streams)
            if state.as_of is not None:
                as_of.add_metric([], state.as_of / 1000)
        yield from (as_of, remaining, customers, streams)
