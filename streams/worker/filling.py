"""Fills measures of a partition from history beside its work, in small steps.

The history is read in a thread of its own, then put into the states of the customers step by step, with the
transactions of the partition's own work. Who was filled is committed with the states: whoever has the partition after a
crash reads the history anew, and goes on after the last one.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable

from kafka.errors import KafkaError

from segments.engine import Partition
from streams.errors import StreamsError
from streams.worker.context import WorkerContext
from streams.worker.past import AppliedHistory, Stopped

log = logging.getLogger(__name__)

AT_ONCE = 200
"""Customers filled in one step, a few milliseconds; then the records that came meanwhile have their turn."""

AGAIN = 5.0
"""Seconds before a history that could not be read is read again."""


class Filling:
    """Fills measures of one partition for as long as it is served."""

    def __init__(self, context: WorkerContext, partition: Partition, wake: Callable[[], None]) -> None:
        """Start nothing yet; `wake` is called when there is something to do."""
        self._context, self._partition, self._wake = context, partition, wake
        self._stopped = threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._used = asyncio.Event()
        self._found: AppliedHistory | None = None
        self._keys: list[bytes] = []
        self._place = 0

    def start(self) -> None:
        """Read the history, if anything is to be filled."""
        filling = self._partition.filling
        if filling is None or filling.done or self._context.past is None:
            return
        self._task = asyncio.create_task(self._read(), name=f"past-{self._partition.number}")

    def stop(self) -> None:
        """Drop what was read; the next owner of the partition goes on."""
        self._stopped.set()
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        reading = self._context.past
        assert reading is not None  # noqa: S101 - a worker has one
        async with reading.turn:
            found = await self._attempt()
            self._keys = found.past.keys
            self._found = found
            self._wake()
            await self._used.wait()

    async def _attempt(self) -> AppliedHistory:
        """Read again until it succeeds: a broker may be away."""
        reading, number = self._context.past, self._partition.number
        assert reading is not None  # noqa: S101 - a worker has one
        began = time.monotonic()
        while True:
            try:
                found = await asyncio.to_thread(reading.read, self._partition, self._stopped)
            except Stopped:
                raise asyncio.CancelledError from None
            except (StreamsError, KafkaError, OSError) as error:
                log.warning("partition %d: reading its history: %s; again", number, error)
                await asyncio.sleep(AGAIN)
            else:
                seconds = time.monotonic() - began
                log.info("partition %d: %d records of history read in %.1f s", number, found.records, seconds)
                return found

    async def step(self) -> bool:
        """Fill some customers. Returns whether more of them wait."""
        found = self._found
        if found is None or self._partition.sweeping:
            return False
        keys = self._keys[self._place : self._place + AT_ONCE]
        self._place += len(keys)
        if keys:
            await self._context.beside(self._partition.fill, found.past.states, keys)
            return True
        self._partition.filled(found.complete)
        self._found, self._keys = None, []
        self._used.set()
        log.info("partition %d: its measures are filled", self._partition.number)
        return True
