"""Two rule sets on the same history, side by side: who would enter, leave and stay by a change of rules.

Both live through the events in the very partitions of a worker, which commit to nothing; when all partitions have told
how far the clock has come, they are brought to one instant and compared.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from segments.engine import (
    BEFORE_ALL,
    Effects,
    EngineSettings,
    Partition,
    PlannedRules,
    Record,
    RuleSet,
    of_customer,
)

EXAMPLES = 3
"""Customers named of each kind, the first by their ids."""


@dataclass(slots=True)
class Sides:
    """Of one rule: the customers by what the change does to them."""

    enters: set[bytes] = field(default_factory=set)
    leaves: set[bytes] = field(default_factory=set)
    stays: set[bytes] = field(default_factory=set)

    def examples(self) -> dict[str, list[str]]:
        """Some of each kind."""
        kinds = {"enters": self.enters, "leaves": self.leaves, "stays": self.stays}
        return {
            name: [key.decode(errors="replace") for key in sorted(each)[:EXAMPLES]]
            for name, each in kinds.items()
        }


@dataclass(slots=True)
class Compared:
    """What was found."""

    now: int = BEFORE_ALL
    """As of this instant, in milliseconds; BEFORE_ALL: there was no event."""
    customers: int = 0
    """Of whom anything is remembered by the new rules."""
    rules: dict[str, Sides] = field(default_factory=dict)


class Lives:
    """One rule set over all partitions, and who is in its segments."""

    def __init__(self, rules: RuleSet | PlannedRules, count: int, settings: EngineSettings) -> None:
        """Nothing has happened yet."""
        self._rules, self._count, self._settings = rules, count, settings
        self._states: dict[int, dict[bytes, bytes]] = {}
        self._number = -1
        self.latest = BEFORE_ALL
        """How far the clock of any partition has come, grace added."""
        self.members: dict[str, set[bytes]] = {}
        self._inside: dict[tuple[str, bytes], set[str | None]] = {}

    @property
    def customers(self) -> int:
        """Of how many anything is remembered."""
        return sum(sum(map(of_customer, states)) for states in self._states.values())

    def begin(self, number: int, starts: Mapping[str, int]) -> None:
        """Take up another partition."""
        self._states[number] = {}
        self._open(number)
        for topic, offset in starts.items():
            self.partition.begin(topic, offset)

    def work(self, ends: Mapping[str, int], now: int | None = None) -> None:
        """Apply all that can be applied of a history that ends there, or ends at an instant."""
        wall = None if now is None else now + self._settings.grace
        self.partition.confirm(ends, self.partition.stamp, wall)
        more = True
        while more:
            more = self.partition.advance()
            self._note(self.partition.collect_effects())
        if self.partition.clock > BEFORE_ALL:
            self.latest = max(self.latest, self.partition.clock + self._settings.grace)

    def close(self, number: int, ends: Mapping[str, int], now: int) -> None:
        """Bring a partition to its end: what is due by now fires."""
        self._open(number)
        self.work(ends, now)
        self.partition.until(now)
        self._note(self.partition.collect_effects())

    def _open(self, number: int) -> None:
        self._number = number
        self.partition = Partition(number, self._count, self._rules, self._settings, self._states[number])

    def _note(self, effects: Effects | None) -> None:
        if effects is None:
            return
        effects.commit_to(self._states[self._number])
        for key, event in effects.segment_events:
            # A customer may be in a segment for several values.
            values = self._inside.setdefault((event["segment"], key), set())
            (values.add if event["transition"] == "enter" else values.discard)(event["value"])
            members = self.members.setdefault(event["segment"], set())
            (members.add if values else members.discard)(key)


class Beside:
    """Reads a history for both: what is deployed, if anything is, and what would be."""

    def __init__(self, before: Lives | None, after: Lives) -> None:
        """Nothing was read yet."""
        self._before, self._after = before, after
        self._lives = [after] if before is None else [before, after]
        self._ends: dict[int, Mapping[str, int]] = {}

    def begin(self, number: int, starts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Take up another partition, whose history is known to be that long."""
        self._number, self._ends[number] = number, ends
        for each in self._lives:
            each.begin(number, starts)
            each.work(ends)

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """Take in a run of records covering offsets [start, end)."""
        for each in self._lives:
            missing = each.partition.offer(topic, start, records, end)
            assert missing is None

    def work(self) -> None:
        """Apply what can be applied."""
        for each in self._lives:
            each.work(self._ends[self._number])

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait for those of the others."""
        return self._after.partition.buffered(topic)

    def finish(self, names: Collection[str], now: int | None = None) -> Compared:
        """These rules compared, as of an instant; by default as far as the events go."""
        found = Compared(self._after.latest if now is None else now)
        if found.now > BEFORE_ALL:
            for number, ends in self._ends.items():
                for each in self._lives:
                    each.close(number, ends, found.now)
        found.customers = self._after.customers
        for name in sorted(names):
            before = set() if self._before is None else self._before.members.get(name, set())
            after = self._after.members.get(name, set())
            found.rules[name] = Sides(after - before, before - after, before & after)
        return found
