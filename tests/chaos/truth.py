"""What must come out, worked out twice.

By `segments replay` from the lines of `segments consume`, and in this process by the engine from the raw records, which
tells what lines don't: memberships, dead letters, states, positions.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segments.engine import INPUTS, EngineSettings, Record, RuleSet
from segments.insight.replay import Replay
from streams.worker.decode import decode
from tests.chaos.oracle import Lives
from tests.chaos.reading import Reader, by_customer, command, consumed

Where = tuple[str, int, int]
"""Topic, partition, offset."""
Letter = tuple[str, bytes | None, bytes | None]
"""Reason, key, value."""


@dataclass(slots=True)
class Truth:
    """All that the partitions did, by the engine alone."""

    events: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    told: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    """The segment outcomes of each customer."""
    memberships: dict[str, list[dict[str, Any] | None]] = field(default_factory=lambda: defaultdict(list))
    letters: dict[Where, Letter] = field(default_factory=dict)
    states: dict[int, dict[bytes, bytes]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    consumed: int = 0
    lives: Lives = field(default_factory=Lives)


def replayed_lines(brokers: str, rules: Path, partitions: int, folder: Path) -> dict[str, list[str]]:
    """What `segments replay` says of the log as `segments consume` prints it."""
    log = folder / "log.jsonl"
    with log.open("wb") as file:
        for topic in INPUTS:
            file.write(consumed(brokers, topic))
    return by_customer(command("replay", str(log), "--rules", str(rules), "--partitions", str(partitions)))


Logs = dict[int, dict[str, list[Record]]]


def logs(reader: Reader, partitions: int) -> Logs:
    """The records of the inputs by partition and topic."""
    found: Logs = {number: {topic: [] for topic in INPUTS} for number in range(partitions)}
    for topic in INPUTS:
        raws = reader.all(topic)
        for raw, record in zip(raws, decode(topic, raws), strict=True):
            found[raw.partition][topic].append(record)
    return found


def truth(
    found: Logs, rules: RuleSet, settings: EngineSettings, until: dict[int, int] | None = None
) -> Truth:
    """Replay each partition, up to an instant of its own if one is given."""
    result = Truth()
    for number, log in found.items():
        replay = Replay(number, len(found), log, rules, settings)
        result.lives.follow(replay.partition)
        for effects in replay.run(None if until is None else until[number]):
            for key, event in effects.segment_events:
                result.events[key.decode()].append(event)
            for key, told in effects.segment_outcomes:
                result.told[key.decode()].append(told)
            for key, members in effects.memberships:
                result.memberships[key.decode()].append(members)
            for letter in effects.dead_letters:
                record = letter.record
                result.letters[record.topic, number, record.offset] = (
                    letter.reason,
                    record.key,
                    record.value,
                )
            for (_, outcome), count in effects.outcomes.items():
                result.outcomes[outcome] += count
        result.states[number] = dict(replay.states)
        result.lives.ends[number] = replay.partition.clock
        result.consumed += sum(len(records) for records in log.values())
    return result
