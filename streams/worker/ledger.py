"""The records that a partition's machine has accepted and that are not committed: for counts and latencies."""

from collections import Counter, deque
from collections.abc import Mapping
from typing import NamedTuple

from segments.engine import Accepted
from streams.transport import Run


class OpenRecord(NamedTuple):
    """A record that was accepted and is not committed."""

    topic: str
    offset: int
    is_event: bool
    """Whether it is neither an erasure nor refused."""


class Ledger:
    """Offsets expected and committed, by topic, and the records in between."""

    def __init__(self, positions: Mapping[str, int]) -> None:
        """Begin where the partition was taken over."""
        self.expected = dict(positions)
        """The offset after the last run that was accepted."""
        self.committed = dict(positions)
        self._open: dict[str, deque[Accepted]] = {topic: deque() for topic in positions}

    def accept(self, run: Run, accepted: Accepted) -> None:
        """Note a run that the machine has accepted."""
        self.expected[run.topic] = max(run.end, self.expected[run.topic])
        if len(accepted):
            self._open[run.topic].append(accepted)

    def pass_over(self, run: Run) -> None:
        """Note a run whose records are not counted."""
        self.expected[run.topic] = max(run.end, self.expected[run.topic])

    def oldest(self, topic: str) -> int | None:
        """Return the Kafka timestamp of the first record that was accepted and is not committed, in milliseconds."""
        found = (each.timestamp_from(self.committed[topic]) for each in self._open[topic])
        return next((timestamp for timestamp in found if timestamp is not None), None)

    def accepted_at(self, topic: str, offset: int) -> int | None:
        """Return the Kafka timestamp of a record that caused a flip, in milliseconds."""
        for each in self._open.get(topic, ()):
            if each.last >= offset:
                return each.timestamp_of(offset)
        return None

    def until(self, offsets: Mapping[str, int]) -> list[OpenRecord]:
        """Return the records that are not committed and lie before these offsets."""
        found: list[OpenRecord] = []
        for topic, end in offsets.items():
            start = self.committed.get(topic, 0)
            for each in self._open[topic]:
                found += [OpenRecord(topic, *record) for record in each.between(start, end)]
        return found

    def settle(self, offsets: Mapping[str, int]) -> Counter[str]:
        """Note what was committed, and return how many records of each topic that were."""
        counts: Counter[str] = Counter()
        for topic, end in offsets.items():
            counts[topic] = self._close(topic, self.committed.get(topic, 0), end)
            self.committed[topic] = end
        return counts

    def _close(self, topic: str, start: int, end: int) -> int:
        """Count the records in [start, end), and forget the runs that lie before `end`."""
        runs, count = self._open[topic], 0
        while runs:
            count += runs[0].count(start, end)
            if runs[0].last >= end:
                break
            runs.popleft()
        return count
