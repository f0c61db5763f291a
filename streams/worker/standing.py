"""Progress of one partition since it was assigned to this worker, through all of its take-overs.

A partition that is taken over again and again, and never commits, gets nowhere: what a take-over does counts as
progress only until the partition was served for the first time.
"""

import time
from collections.abc import Mapping

from segments.language.catalogue import is_source
from streams.clock import wall_clock


class Standing:
    """What was committed, where the topics end, and when the partition last made progress."""

    def __init__(self) -> None:
        """Start at the assignment."""
        self.moved_at = time.monotonic()
        """When it last made progress: restored more than before, committed, or had nothing left to do."""
        self.committed_at = 0
        """The last commit, in milliseconds of the wall clock; 0 if there was none."""
        self.committed: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        """By topic: the committed position, and the last known end offset."""
        self.remaining = 0
        """Offsets of the changelog that are not restored yet."""
        self._least: float = float("inf")
        self._since: dict[str, tuple[int, int]] = {}
        """By topic: offset and Kafka timestamp of the first record that is not committed."""

    def restoring(self, remaining: int) -> None:
        """Note how many offsets are to be restored."""
        self.remaining = remaining
        if remaining < self._least:
            self._least = remaining
            self.moved_at = time.monotonic()

    def found(self, committed: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Note the positions and the ends as a take-over finds them."""
        self.committed.update(committed)
        self.ends.update(ends)

    def read_from(self, positions: Mapping[str, int]) -> None:
        """Note what is read from a deployment on: a profile source may have come, and one that is gone has no lag."""
        for topic in [each for each in self.committed if is_source(each) and each not in positions]:
            for kept in (self.committed, self.ends, self._since):
                kept.pop(topic, None)
        for topic in filter(is_source, positions):
            self.committed.setdefault(topic, positions[topic])

    def reached(self, offsets: Mapping[str, int]) -> None:
        """Note a commit."""
        self.moved_at = time.monotonic()
        self.committed_at = wall_clock()
        self.committed.update(offsets)

    def lag(self) -> dict[str, int]:
        """Count the records of each topic that are not committed; a topic whose position is unknown is left out."""
        return {
            topic: max(0, end - self.committed[topic])
            for topic, end in self.ends.items()
            if topic in self.committed
        }

    def oldest(self, found: Mapping[str, int | None]) -> dict[str, int]:
        """The Kafka timestamps of the first records that are not committed, in milliseconds, of topics with any.

        `found` are those of the records at hand. Of a topic of which none is, it is the one that was found before, or
        the moment at which the topic was first seen to have a record.
        """
        told = {}
        for topic, lag in self.lag().items():
            if lag == 0:
                continue
            at, offset = found.get(topic), self.committed[topic]
            if at is None:
                before = self._since.get(topic)
                at = wall_clock() if before is None or before[0] != offset else before[1]
            self._since[topic] = offset, at
            told[topic] = at
        return told
