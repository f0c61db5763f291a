"""Keeps fetches as the broker sent them: the engine reads the record batches itself.

aiokafka makes a `MemoryRecords` and a `PartitionRecords` of what a fetch brought for a partition. Both names are
replaced in its fetcher by classes that keep the bytes, too; who asks for records as before gets them as before, since
nothing is unpacked until then. A record costs 0.5 µs to unpack and decode so, 5 µs by aiokafka and in Python.
"""

# ruff: noqa: SLF001  aiokafka has no public way to the bytes of a fetch

from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords

from segments.engine import Fetch
from streams.transport.runs import Run

RUN_LIMIT = 20_000
"""About the number of records in one run: unpacked and decoded without the GIL, in some milliseconds."""


class RawRecords:
    """Replaces aiokafka's `MemoryRecords`: the bytes, and what the fetcher asks about them."""

    def __init__(self, raw: bytes) -> None:
        """Keep what a fetch brought."""
        self.raw = raw

    def has_next(self) -> bool:
        """Whether the first batch is complete."""
        raw = self.raw
        return len(raw) >= 12 and 12 + int.from_bytes(raw[8:12], "big") <= len(raw)

    def size_in_bytes(self) -> int:
        """How many bytes a fetch brought."""
        return len(self.raw)


class RawPartition(PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """Records of a fetch as aiokafka has them, and the bytes that hold them."""

    def __init__(self, tp: Any, records: RawRecords, aborted: Any, offset: int, *options: Any) -> None:
        """Unpack nothing yet."""
        super().__init__(tp, MemoryRecords(records.raw), aborted, offset, *options)
        self.raw: bytes = records.raw
        self.aborted = [(each[0], each[1]) for each in aborted or ()]
        self.fetch: Fetch | None = None

    def opened(self) -> Fetch:
        """The fetch for the engine, which has a copy of the bytes.

        They are let go here, and so is the generator that would unpack them. It and this object hold each other, so
        both would be there until Python looks for cycles: 46 MB of fetches after a backlog.
        """
        fetch = Fetch(self.raw, self.next_fetch_offset, self.aborted)
        self.raw, self._records, self._records_iterator = b"", None, None
        return fetch


fetcher.MemoryRecords = RawRecords
fetcher.PartitionRecords = RawPartition


def take_raw(result: Any, partition: Any) -> Run | None:
    """The next run of a fetch, None if there is none or it is void; the position moves on.

    Raises CorruptRecordException for a checksum that is wrong, and for the message formats before Kafka 0.11.
    """
    if not result.has_more() or not result.check_assignment(partition):
        return None
    held: RawPartition = result._partition_records
    if held.fetch is None:
        held.fetch = held.opened()
    try:
        records = held.fetch.next_run(RUN_LIMIT)
    except ValueError as error:
        raise CorruptRecordException(f"{partition}: {error}") from error
    if records is not None:
        held.next_fetch_offset = records.end
        result._update_position()
    if records is None or held.fetch.done:
        result._partition_records = None
    if records is None:
        return None
    return Run(partition.topic, partition.partition, records.start, records, records.end)
