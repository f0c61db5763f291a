"""The interface through which measures are filled from history; `streams.jobs.past` implements it."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Protocol

from segments.engine import Partition, Past


class Stopped(Exception):
    """The reading was stopped: nobody waits for the history any more."""


@dataclass(frozen=True, slots=True)
class AppliedHistory:
    """The history of a partition, read and applied."""

    past: Past
    complete: dict[str, int]
    """By topic of events: the instant in milliseconds from which on the history is complete."""
    records: int


class Reading(Protocol):
    """Reads histories of one partition at a time, since a history is held in memory while it is used."""

    turn: asyncio.Lock
    """Locked by the partition whose history is read or used."""

    def read(self, partition: Partition, stopped: threading.Event) -> AppliedHistory:
        """Read and apply the history up to the filling of a partition. Raises Stopped, StreamsError, KafkaError."""
