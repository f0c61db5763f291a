"""What the worker's own code is given instead of Kafka, the clock and its log, for as long as a schedule is played."""

import asyncio
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import streams.kafka.offsets
import streams.store.restore
import streams.transport.producer
import streams.transport.reading
import streams.worker.filling
import streams.worker.intake
import streams.worker.outbox
import streams.worker.owner
import streams.worker.service
import streams.worker.standing
import tests.chaos.traffic
import tests.simulation.client
from tests.simulation.client import Consumer, Transactions, fetch_runs

READS_CLOCK = (
    *(streams.worker.service, streams.worker.standing, streams.worker.outbox, streams.store.restore),
    tests.simulation.client,
)
COUNTS_SECONDS = (
    *(streams.worker.owner, streams.worker.service, streams.worker.standing, streams.worker.intake),
    *(streams.store.restore, streams.transport.reading, streams.worker.filling),
)


class _Inline:
    """asyncio for who reads the history: not in a thread, which made-up time would not wait for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def to_thread(act: Callable[..., Any], *arguments: Any) -> Any:
        """Act, a moment later."""
        await asyncio.sleep(0.01)
        return act(*arguments)


@contextmanager
def made_up(elapsed: Callable[[], float], wall: Callable[[], int], errors: list[str]) -> Iterator[None]:
    """Replace what reads a clock or talks to Kafka; of the worker's own code nothing.

    `elapsed` gives seconds, `wall` milliseconds; exceptions that nobody foresaw are added to `errors`.
    """
    clocks: Any = SimpleNamespace(monotonic=elapsed, perf_counter=elapsed)
    changes: list[tuple[Any, str, Any]] = [
        (streams.transport.producer, "Transactions", Transactions),
        (streams.transport.reading, "AIOKafkaConsumer", Consumer),
        (streams.transport.reading, "fetch_runs", fetch_runs),
        (streams.kafka.offsets, "AIOKafkaConsumer", Consumer),
        (streams.worker.filling, "asyncio", _Inline()),
        (streams.worker.filling, "AT_ONCE", 1),
        (streams.worker.owner, "log", _Notes(errors)),
        (tests.chaos.traffic, "time", SimpleNamespace(time=lambda: wall() / 1000)),
        *((module, "time", clocks) for module in COUNTS_SECONDS),
        *((module, "wall_clock", wall) for module in READS_CLOCK),
    ]
    kept = [(module, name, getattr(module, name)) for module, name, _ in changes]
    logging.disable(logging.CRITICAL)
    try:
        for module, name, value in changes:
            setattr(module, name, value)
        yield
    finally:
        logging.disable(logging.NOTSET)
        for module, name, value in kept:
            setattr(module, name, value)


class _Notes:
    """The log of the owners: an exception that nobody foresaw is a finding."""

    def __init__(self, errors: list[str]) -> None:
        self._errors = errors

    def warning(self, *_arguments: Any) -> None:
        """Foreseen."""

    info = debug = warning

    def exception(self, message: str, *arguments: Any) -> None:
        """Not foreseen."""
        self._errors.append(f"{message % arguments}\n{traceback.format_exc()}")
