"""A log of events through the very engine of the worker, without Kafka and without a wall clock."""

from collections.abc import Iterator, Mapping, Sequence

from segments.engine.partition import Partition
from segments.engine.records import INPUTS, Effects, EngineSettings, Record
from segments.engine.rules import RuleSet

Log = Mapping[str, Sequence[Record]]
"""The records of one partition by topic, each topic in the order of its offsets."""


def replay(
    number: int, count: int, log: Log, rules: RuleSet, settings: EngineSettings, until: int | None = None
) -> Iterator[Effects]:
    """What one partition of `count` emits for a log; at the end what is due up to and including `until` fires."""
    states: dict[bytes, bytes] = {}
    partition = Partition(number, count, rules, settings, states)
    ends = {}
    for topic in INPUTS:
        records = list(log.get(topic, ()))
        start = records[0].offset if records else 0
        ends[topic] = records[-1].offset + 1 if records else 0
        partition.begin(topic, start)
        partition.offer(topic, start, records, ends[topic])
    partition.confirm(ends, partition.stamp, None)
    more = True
    while more:
        more = partition.advance()
        if not more and until is not None:
            partition.until(until)
        effects = partition.take()
        if effects is not None:
            _keep(states, effects)
            yield effects


def _keep(states: dict[bytes, bytes], effects: Effects) -> None:
    for key, state in effects.states.items():
        if state is None:
            states.pop(key, None)
        else:
            states[key] = state
