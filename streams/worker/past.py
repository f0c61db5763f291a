"""The history of a partition, as whoever fills measures from it asks for it: `streams.jobs.past` reads it."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Protocol

from segments.engine import Partition, Past


class Stopped(Exception):
    """Nobody waits for the history any more."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the history of a partition."""

    past: Past
    complete: dict[str, int]
    """For each topic of events the instant from which on all that occurred is in the history, in milliseconds."""
    records: int


class Reading(Protocol):
    """Reads histories, one partition of a worker after the other: each is held in memory as long as it is used."""

    turn: asyncio.Lock
    """Held by the partition whose history is read or used."""

    def read(self, partition: Partition, stopped: threading.Event) -> Found:
        """Live through the history before the filling of a partition; raises Stopped, StreamsError, KafkaError."""
