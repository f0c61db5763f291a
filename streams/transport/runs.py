"""A run: the records of one partition in one fetch, with the positions before and after it."""

from typing import Any

RawRecord = Any
"""aiokafka's inner record: offset, timestamp, key and value in bytes, headers."""


class Run:
    """Consecutive records of a partition, covering the offsets ``[start, end)``.

    The positions come from the fetcher, not from the records: markers of transactions and compaction leave
    holes that are legal, and a run may hold no record at all and still move the position.
    """

    __slots__ = ("end", "partition", "records", "start", "topic")

    def __init__(self, topic: str, partition: int, start: int, records: Any, end: int) -> None:
        """Hold what was fetched between two positions.

        `records`: aiokafka's, or the engine's own, which are not decoded yet.
        """
        self.topic = topic
        self.partition = partition
        self.start = start
        self.records = records
        self.end = end

    def stop_at(self, end: int) -> None:
        """Leave out what the engine split of it from an offset on."""
        if self.end > end:
            before = sum(offset < end for offset, *_ in self.records.raw())
            if before < len(self.records):
                self.records.split_off(before)
            self.end = end

    def __repr__(self) -> str:
        """Name the offsets covered."""
        return f"<Run {self.topic}-{self.partition} [{self.start}, {self.end}) {len(self.records)} records>"


class Runs(tuple[Run, ...]):
    """What one fetch brought of the input topics, as the value of one of Faust's messages."""

    __slots__ = ()


def runs_of(event: Any) -> Runs:
    """Return the runs that a Faust event carries."""
    runs = event.value
    if not isinstance(runs, Runs):
        raise TypeError(f"expected runs on an input topic, got {type(runs).__name__}")
    return runs
