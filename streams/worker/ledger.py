"""What was offered to a partition's machine and is not committed yet: for counting, and for latencies."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from segments.engine import Record
from streams.transport import Run

_offset = attrgetter("offset")


class Ledger:
    """Offsets expected and committed, by topic, and the records in between."""

    def __init__(self, positions: Mapping[str, int]) -> None:
        """Begin where the partition was taken over."""
        self.expected = dict(positions)
        """The offset after the last run that was accepted."""
        self.committed = dict(positions)
        self._open: dict[str, deque[list[Record]]] = {topic: deque() for topic in positions}

    def accept(self, run: Run, records: list[Record]) -> None:
        """Note a run that the machine has accepted."""
        self.expected[run.topic] = max(run.end, self.expected[run.topic])
        if records:
            self._open[run.topic].append(records)

    def oldest(self, topic: str) -> int | None:
        """Return the Kafka timestamp of the first record that was accepted and is not committed, in milliseconds."""
        committed = self.committed[topic]
        for records in self._open[topic]:
            if records[-1].offset >= committed:
                return records[bisect_left(records, committed, key=_offset)].timestamp
        return None

    def taken_in_at(self, cause: Mapping[str, Any] | None) -> int | None:
        """Return the Kafka timestamp of the record that caused a flip, in milliseconds."""
        if cause is None:
            return None
        offset = cause["offset"]
        for records in self._open.get(cause["topic"], ()):
            if records[-1].offset >= offset:
                found = records[bisect_left(records, offset, key=_offset)]
                return found.timestamp if found.offset == offset else None
        return None

    def until(self, offsets: Mapping[str, int]) -> list[Record]:
        """Return the records that are not committed and lie before these offsets."""
        found: list[Record] = []
        for topic, end in offsets.items():
            start = self.committed.get(topic, 0)
            for records in self._open[topic]:
                place = bisect_left(records, start, key=_offset)
                found += records[place : bisect_left(records, end, key=_offset)]
        return found

    def settle(self, offsets: Mapping[str, int]) -> Counter[str]:
        """Note what was committed, and return how many records of each topic that were."""
        counts: Counter[str] = Counter()
        for topic, end in offsets.items():
            counts[topic] = self._close(topic, self.committed.get(topic, 0), end)
            self.committed[topic] = end
        return counts

    def _close(self, topic: str, start: int, end: int) -> int:
        """Count the records in [start, end), and forget the lists that lie before `end`."""
        lists, count = self._open[topic], 0
        while lists and lists[0][0].offset < end:
            records = lists[0]
            count += bisect_left(records, end, key=_offset) - bisect_left(records, start, key=_offset)
            if records[-1].offset >= end:
                break
            lists.popleft()
        return count
