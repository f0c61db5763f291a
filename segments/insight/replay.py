"""A log of events through the very engine of the worker, without Kafka and without a wall clock."""

from collections.abc import Iterator, Mapping, Sequence

from segments.engine import INPUTS, Effects, EngineSettings, Partition, Record, RuleSet

Log = Mapping[str, Sequence[Record]]
"""The records of one partition by topic, each topic in the order of its offsets."""


class Replay:
    """One partition of `count` over a log; iterate over it for what it emits."""

    def __init__(self, number: int, count: int, log: Log, rules: RuleSet, settings: EngineSettings) -> None:
        self._states: dict[bytes, bytes] = {}
        self.partition = Partition(number, count, rules, settings, self._states)
        ends = {}
        for topic in INPUTS:
            records = list(log.get(topic, ()))
            start = records[0].offset if records else 0
            ends[topic] = records[-1].offset + 1 if records else 0
            self.partition.begin(topic, start)
            self.partition.offer(topic, start, records, ends[topic])
        self.partition.confirm(ends, self.partition.stamp, None)

    def run(self, until: int | None = None) -> Iterator[Effects]:
        """Apply the whole log; at the end what is due up to and including `until` fires."""
        more = True
        while more:
            more = self.partition.advance()
            if not more and until is not None:
                self.partition.until(until)
            effects = self.partition.take()
            if effects is not None:
                effects.commit_to(self._states)
                yield effects
