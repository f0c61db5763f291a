"""The expected output, computed in two independent ways.

By `segments replay` from the lines of `segments consume`, and in this process by the engine from the raw records, which
tells what lines don't: memberships, dead letters, states, positions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from segments.engine import IDENTITIES, INPUTS, Deployment, Effects, EngineSettings, Record, RuleSet
from segments.insight.replay import Replay, together
from streams.worker.decode import decode
from tests.chaos.oracle import Lives
from tests.chaos.reading import Reader, by_customer, command, consumed

READ = (*INPUTS, IDENTITIES)
"""The topics that others than workers and deployers write."""
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

    def note(self, number: int, effects: Effects) -> None:
        """Take in what a partition did."""
        for key, event in effects.segment_events:
            self.events[key.decode()].append(event)
        for key, told in effects.segment_outcomes:
            self.told[key.decode()].append(told)
        for key, members in effects.memberships:
            self.memberships[key.decode()].append(members)
        for letter in effects.dead_letters:
            record = letter.record
            where = record.topic, number, record.offset
            self.letters[where] = letter.reason, record.key, record.value
        for (topic, outcome), count in effects.outcomes.items():
            if topic != SENT:
                self.outcomes[outcome] += count


def replayed_lines(brokers: str, rules: Path, partitions: int, folder: Path) -> dict[str, list[str]]:
    """What `segments replay` says of the log as `segments consume` prints it."""
    log = folder / "log.jsonl"
    with log.open("wb") as file:
        for topic in READ:
            file.write(consumed(brokers, topic))
    return by_customer(command("replay", str(log), "--rules", str(rules), "--partitions", str(partitions)))


Logs = dict[int, dict[str, list[Record]]]
SENT = "transfers"
"""What the topic is called here by which partitions hand each other ids that are merged."""


def logs(reader: Reader, partitions: int) -> Logs:
    """The records of the inputs by partition and topic."""
    found: Logs = {number: {topic: [] for topic in READ} for number in range(partitions)}
    for topic in READ:
        raws = reader.all(topic)
        for raw, record in zip(raws, decode(topic, raws), strict=True):
            found[raw.partition][topic].append(record)
    return found


class _Noted(Replay):
    """A partition of a log that tells what it did, and ends at an instant of its own."""

    def __init__(self, result: Truth, until: int | None, number: int, *log: Any, **more: Any) -> None:
        self._result, self._until, self._noting = result, until, number
        super().__init__(number, *log, **more)

    def step(self) -> tuple[bool, Effects | None]:
        """One record."""
        more, effects = super().step()
        if effects is not None:
            self._result.note(self._noting, effects)
        return more, effects

    def run(self, _until: int | None = None) -> Iterator[Effects]:
        """All that is left."""
        for effects in super().run(self._until):
            self._result.note(self._noting, effects)
            yield effects


def truth(
    found: Logs,
    rules: RuleSet,
    settings: EngineSettings,
    until: Mapping[int, int] | None = None,
    deployments: Mapping[int, Sequence[Deployment]] | None = None,
) -> Truth:
    """Replay all partitions, each up to an instant of its own if one is given, with what was deployed in it.

    Where links are in the log the partitions are lived through together.
    """
    result, linked = Truth(), any(log.get(IDENTITIES) for log in found.values())
    replays: dict[int, Replay] = {}
    for number, log in found.items():
        more = (deployments or {}).get(number, ()), SENT if linked else None
        end = None if until is None else until[number]
        replays[number] = _Noted(result, end, number, len(found), log, rules, settings, *more)
        if deployments is None:
            result.lives.follow(replays[number].partition)
    for _ in together(replays, len(found)) if linked else chain(*(each.run() for each in replays.values())):
        pass
    for number, replay in replays.items():
        result.states[number] = dict(replay.states)
        result.lives.ends[number] = replay.partition.clock
        result.consumed += sum(map(len, found[number].values()))
    return result
