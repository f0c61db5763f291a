"""Where a trial has the past from: a log of JSON lines, or the topics (`streams.history.topics`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from segments.engine import INPUTS, Record
from streams.history.files import Logs

Progress = Callable[[int], None]
"""Is told how many offsets more were read."""


class Reader(Protocol):
    """What a history is read for: a trial, for example."""

    def begin(self, number: int, starts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Another partition, from these offsets to those."""

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """Its records in [start, end)."""

    def work(self) -> None:
        """Use what was offered."""

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait to be used."""


class History(Protocol):
    """Where the past comes from."""

    @property
    def count(self) -> int:
        """Partitions of each topic."""

    @property
    def length(self) -> int:
        """Offsets to be read."""

    @property
    def deleted_before(self) -> int | None:
        """What came in before this instant, and would matter, is no longer there; known once it was read."""

    @property
    def latest(self) -> int | None:
        """The last instant that is told; None: not known, or none is."""

    @property
    def out_of_order(self) -> int:
        """Records that occurred before one that came earlier in their topic, as far as it is known."""

    def read(self, reader: Reader, progress: Progress) -> None:
        """Give it all to a reader."""


@dataclass(frozen=True, slots=True)
class FileHistory:
    """A log of JSON lines."""

    logs: Logs
    latest: int | None = None
    out_of_order: int = 0
    deleted_before: int | None = None
    topics: tuple[str, ...] = INPUTS
    """Those of events and profiles that the rules have; lines of others are passed over."""

    @property
    def count(self) -> int:
        """As many partitions as were asked for."""
        return len(self.logs)

    @property
    def length(self) -> int:
        """The records, those of no partition left out."""
        return sum(len(log.get(topic, ())) for log in self.logs.values() for topic in self.topics)

    def read(self, reader: Reader, progress: Progress) -> None:
        """Give it all to a reader."""
        for number, log in self.logs.items():
            bounds = {topic: _bounds(log.get(topic, ())) for topic in self.topics}
            reader.begin(
                number,
                {topic: start for topic, (start, _) in bounds.items()},
                {topic: end for topic, (_, end) in bounds.items()},
            )
            records_of = {topic: log[topic] for topic in self.topics if topic in log}
            for topic, records in records_of.items():
                reader.offer(topic, bounds[topic][0], records, bounds[topic][1])
            reader.work()
            progress(sum(map(len, records_of.values())))


def _bounds(records: Sequence[Record]) -> tuple[int, int]:
    return (records[0].offset, records[-1].offset + 1) if records else (0, 0)
