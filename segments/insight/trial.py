"""A rule on events of the past: who would be in it now, how customers came and went, and what an edit would change.

A trial drives the very partitions of the worker, and commits to nothing: what they keep of customers stays in memory.
First each partition lives through its history; then, when all of them have told how far the clock has come, they are
brought to one instant and looked at.
"""

from collections.abc import Collection, Mapping
from heapq import nsmallest
from typing import Any

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
from segments.insight.findings import Change, Findings, Stay
from segments.insight.why import why
from segments.language.catalogue import is_source
from segments.language.nodes.durations import DAY

EXAMPLES = 3
"""Customers shown of each kind."""


class RuleTrial:
    """One rule set over all partitions, and what becomes of one of its segments."""

    def __init__(
        self, rules: RuleSet | PlannedRules, segment: str, count: int, settings: EngineSettings
    ) -> None:
        self.rules, self.segment, self.count, self.settings = rules, segment, count, settings
        self._hysteresis = rules.data.rules[rules.ids.index(segment)].until is not None
        self.found = Findings(segment, rules.versions[rules.ids.index(segment)])
        self.found.shared.update(dict.fromkeys(rules.ids, 0))
        self.latest = BEFORE_ALL
        """How far the clock of any partition has come, grace added."""
        self.members: dict[int, dict[bytes, int]] = {}
        """By partition the customers who are in, at any value, and the instant of their latest enter."""
        self._stays: dict[int, dict[bytes, dict[str | None, int]]] = {}
        """The instants of their enters, by value."""
        self._at_enter: dict[bytes, list[dict[str, Any]]] = {}
        """Of a segment with `until`: why those entered who are in it, since `when` need not hold any longer."""
        self._states: dict[int, dict[bytes, bytes]] = {}
        self._erased: dict[int, set[bytes]] = {}
        self._number = -1

    def begin(self, number: int, starts: Mapping[str, int]) -> None:
        """Take up another partition, of which nothing is known yet."""
        self.members[number], self._states[number], self._erased[number] = {}, {}, set()
        self._stays[number] = {}
        self._open(number)
        for topic, offset in starts.items():
            self.partition.begin(topic, offset)

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """Take in a run of its records."""
        if is_source(topic):
            self._erased[self._number].update(record.key or b"" for record in records if record.event is None)
        missing = self.partition.offer(topic, start, records, end)
        assert missing is None

    def work(self, ends: Mapping[str, int]) -> None:
        """Apply all that can be applied of a history that ends there."""
        self.partition.confirm(ends, self.partition.stamp, None)
        self._advance()
        if self.partition.clock > BEFORE_ALL:
            self.latest = max(self.latest, self.partition.clock + self.settings.grace)

    def close(self, number: int, ends: Mapping[str, int], now: int) -> None:
        """Bring a partition to its end: what is due by now fires, its clock shows now, and it is counted."""
        self._open(number)
        self.partition.confirm(ends, self.partition.stamp, now + self.settings.grace)
        self._advance()
        self.partition.until(now)
        self._note(self.partition.collect_effects())
        found, members = self.found, self.members[number]
        found.now = now
        found.members += len(members)
        found.customers += self._customers(number)
        found.sizes.update(self.partition.members)
        found.stays += [
            Stay(began, max(0, now - began), ended=False)
            for stays in self._stays[number].values()
            for began in stays.values()
        ]

    def share(self, number: int) -> None:
        """Count in which segments the members are; of the partition closed last."""
        for key in self.members[number]:
            customer = self.partition.customer(key)
            assert customer is not None
            self.found.shared.update(customer["episodes"].keys())

    def told(self, customers: Collection[bytes]) -> list[dict[str, Any]]:
        """Examples of these customers of the partition closed last, those who entered last first."""
        since = self.members[self._number]
        chosen = nsmallest(EXAMPLES, customers, key=lambda key: (-since.get(key, 0), key))
        return [self._of_enter(key, why(self.partition, key.decode(), self.segment)) for key in chosen]

    def _of_enter(self, key: bytes, found: dict[str, Any]) -> dict[str, Any]:
        """What `why` tells, the leaves of `when` as they were at the enter of a customer who is in by `until`."""
        # Of a segment with values that of one of them: where the customer is in, if anywhere.
        each = next((each for each in found["segments"] if each["inside"]), found["segments"][0])
        found["segments"] = [each]
        for entry, then in zip(each["evidence"], self._at_enter.get(key, ()), strict=False):
            if entry["part"] == "when":
                entry.update(then, as_of=each["entered_at"])
        return found

    def _open(self, number: int) -> None:
        self._number = number
        self.partition = Partition(number, self.count, self.rules, self.settings, self._states[number])

    def _advance(self) -> None:
        more = True
        while more:
            more = self.partition.advance()
            self._note(self.partition.collect_effects())

    def _customers(self, number: int) -> int:
        """Of how many customers anything is remembered, but that they were erased."""
        states = self._states[number]
        erased = (self.partition.customer(key) for key in self._erased[number] if key in states)
        gone = sum(
            each is not None and each["latest"] is None and each["profile_at"] is None for each in erased
        )
        return sum(map(of_customer, states)) - gone

    def _note(self, effects: Effects | None) -> None:
        """Keep what a worker would have committed, and count what the segment did."""
        if effects is None:
            return
        effects.commit_to(self._states[self._number])
        for key, event in effects.segment_events:
            if event["segment"] == self.segment:
                self._flip(key, event)
        self.found.tally.note(effects)

    def _flip(self, key: bytes, event: dict[str, Any]) -> None:
        members, at = self.members[self._number], event["occurred_at"]
        stays = self._stays[self._number].setdefault(key, {})
        if event["transition"] == "enter":
            members[key] = stays[event["value"]] = at
            self.found.enters[at // DAY] += 1
            if self._hysteresis:
                self._at_enter[key] = event["evidence"]
        else:
            began = stays.pop(event["value"])
            if not stays:
                del members[key], self._stays[self._number][key]
                self._at_enter.pop(key, None)
            self.found.leaves[at // DAY] += 1
            self.found.stays.append(Stay(began, at - began, ended=True))


class Trial:
    """A rule tried, beside the rule that runs if there is one: the same events go to both."""

    def __init__(self, tried: RuleTrial, running: RuleTrial | None = None) -> None:
        self._tried, self._running = tried, running
        self._rule_trials = [tried] if running is None else [tried, running]
        self._ends: dict[int, Mapping[str, int]] = {}

    def begin(self, number: int, starts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Take up another partition, whose history is known to be that long."""
        self._number, self._ends[number] = number, ends
        for rule_trial in self._rule_trials:
            rule_trial.begin(number, starts)
            rule_trial.work(ends)

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> None:
        """Take in a run of records covering offsets [start, end)."""
        for rule_trial in self._rule_trials:
            rule_trial.offer(topic, start, records, end)

    def work(self) -> None:
        """Apply what can be applied."""
        for rule_trial in self._rule_trials:
            rule_trial.work(self._ends[self._number])

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait for those of the others."""
        return self._tried.partition.buffered(topic)

    def finish(self, now: int | None = None) -> Findings:
        """What was found, as of an instant; by default as far as the events go."""
        found, running = self._tried.found, self._running
        if running is not None:
            found.change = Change(running.found.version)
        now = self._tried.latest if now is None else now
        if now > BEFORE_ALL:
            for number, ends in self._ends.items():
                self._close(number, ends, now)
        return found

    def _close(self, number: int, ends: Mapping[str, int], now: int) -> None:
        for rule_trial in self._rule_trials:
            rule_trial.close(number, ends, now)
        self._tried.share(number)
        members, found = self._tried.members[number], self._tried.found
        found.examples = _latest([*found.examples, *self._tried.told(members)])
        if self._running is not None and found.change is not None:
            before = self._running.members[number]
            found.change.members += len(before)
            self._compare(found.change, set(members), set(before))

    def _compare(self, change: Change, members: set[bytes], before: set[bytes]) -> None:
        """The evidence is that of the rule tried: for those who leave, why they are no longer in."""
        sets = {"stays": members & before, "enters": members - before, "leaves": before - members}
        for name, customers in sets.items():
            change.counts[name] += len(customers)
            held = change.examples.get(name, [])
            change.examples[name] = _latest([*held, *self._tried.told(customers)])


def _latest(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of what `why` tells of customers, those who entered last; whoever is out comes after, by name."""

    def order(each: dict[str, Any]) -> tuple[int, str]:
        entered_at = each["segments"][0]["entered_at"]
        return (0 if entered_at is None else -entered_at, each["customer_id"])

    return sorted(told, key=order)[:EXAMPLES]
