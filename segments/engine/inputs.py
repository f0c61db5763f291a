"""The three inputs of a partition, merged: of their heads the one that happened first goes first.

A topic that may still have records is waited for. It is known to have none left once its position equals the end
offset that was asked for after the record about to be applied had been fetched; unconfirmed is not caught up.
"""

from collections import deque
from collections.abc import Callable, Mapping

from segments.engine.records import INPUTS, Record, Refusal
from segments.language.errors import SegmentsError


class Run:
    """A fetched run of records, and when it was fetched."""

    __slots__ = ("end", "index", "records", "stamp")

    def __init__(self, records: list[Record], end: int, stamp: int) -> None:
        self.records, self.end, self.stamp, self.index = records, end, stamp, 0


class Input:
    """One input topic: what is buffered of it, and what is known of its end."""

    __slots__ = ("confirmed", "end", "expected", "head", "head_at", "refusal", "runs", "topic")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.runs: deque[Run] = deque()
        self.expected: int | None = None
        """The next offset to be fetched."""
        self.end = -1
        self.confirmed = -1
        """The stamp at which `end` was asked for."""
        self.head: Record | None = None
        self.head_at = 0
        self.refusal: Refusal | None = None

    @property
    def caught_up(self) -> bool:
        """Nothing is buffered, and nothing was left when its end was last asked for."""
        return not self.runs and self.end == self.expected


class Inputs:
    """The input topics of one partition."""

    def __init__(self, offsets: Mapping[str, int], refuse: Callable[[Record], Refusal | None]) -> None:
        self._inputs = [Input(topic) for topic in INPUTS]
        self._by_topic = {each.topic: each for each in self._inputs}
        self._refuse = refuse
        self.offsets: dict[str, int] = dict(offsets)
        """The next offset to be taken, by topic."""
        self.stamp = 0
        self.waiting = False
        for topic, offset in offsets.items():
            self._by_topic[topic].expected = offset

    def begin(self, topic: str, offset: int) -> None:
        """Say where reading of a topic begins."""
        each = self._by_topic[topic]
        each.expected = self.offsets[topic] = offset

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> int | None:
        """Take in a fetched run of offsets [start, end). Returns the offset to fetch again if something is missing."""
        each = self._by_topic[topic]
        if each.expected is None:
            raise SegmentsError(f"{topic}: begin() was not called.")
        if start > each.expected:
            return each.expected
        if end <= each.expected:
            return None
        if start < each.expected:
            expected = each.expected
            records = [record for record in records if record.offset >= expected]
        self.stamp += 1
        each.runs.append(Run(records, end, self.stamp))
        each.expected = end
        if each.head is None:
            self._next_head(each)
        return None

    def confirm(self, ends: Mapping[str, int], stamp: int) -> bool:
        """Note end offsets asked for at a stamp. True if every input is caught up."""
        for topic, end in ends.items():
            each = self._by_topic[topic]
            each.end, each.confirmed = end, stamp
        return all(each.caught_up and each.topic in ends for each in self._inputs)

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait."""
        return sum(len(run.records) - run.index for run in self._by_topic[topic].runs)

    def next(self) -> tuple[Record, Refusal | None] | None:
        """The record to go next, with the refusal if it is refused whatever the customer's state; None: wait."""
        best: Input | None = None
        confirmed = self.stamp
        for each in self._inputs:
            if each.head is None:
                confirmed = min(confirmed, each.confirmed if each.end == each.expected else -1)
            elif each.refusal is not None:
                return self._pop(each)
            elif best is None or each.head_at < best.head_at:
                best = each
        self.waiting = best is not None and best.runs[0].stamp > confirmed
        return None if best is None or self.waiting else self._pop(best)

    def _pop(self, each: Input) -> tuple[Record, Refusal | None]:
        record, refusal = each.head, each.refusal
        assert record is not None
        each.runs[0].index += 1
        self.offsets[each.topic] = record.offset + 1
        self._next_head(each)
        return record, refusal

    def _next_head(self, each: Input) -> None:
        """Find the next record; a run used up moves the offset to its end, past markers and compacted records."""
        while each.runs:
            run = each.runs[0]
            if run.index < len(run.records):
                head = run.records[run.index]
                each.head, each.refusal = head, self._refuse(head)
                each.head_at = 0 if each.refusal is not None else head.at
                return
            self.offsets[each.topic] = run.end
            each.runs.popleft()
        each.head = None
