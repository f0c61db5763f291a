"""A log of events through the very engine of the worker, without Kafka and without a wall clock."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from segments.engine import (
    BEFORE_ALL,
    DEPLOYMENTS,
    FILL,
    IDENTITIES,
    INPUTS,
    Chain,
    Deployment,
    Effects,
    EngineSettings,
    Partition,
    PlannedRules,
    Record,
    RuleSet,
    Transfer,
    fill_at_once,
    partition_of,
)
from segments.insight.going import Going

Log = Mapping[str, Sequence[Record]]
"""The records of one partition by topic, each topic in the order of its offsets."""


class Replay:
    """One partition of `count` over a log; iterate over it for what it emits.

    With deployments in the log it begins with the first one of the chain, and neither `rules` nor `settings` are read.
    """

    def __init__(
        self,
        number: int,
        count: int,
        log: Log,
        rules: RuleSet | PlannedRules | None,
        settings: EngineSettings,
        deployments: Sequence[Deployment] = (),
        transfers: str | None = None,
    ) -> None:
        self.states: dict[bytes, bytes] = {}
        """What is remembered, as it was committed last."""
        self._log, self._number, self._count = log, number, count
        self._transfers = transfers
        self._arrived: list[Transfer] = []
        self._ends: dict[str, int] = {}
        self._going = Going()
        self._followed = Chain().add_all(deployments)
        if self._followed:
            self._follow(self._followed[0])
        else:
            assert rules is not None
            self.partition = Partition(number, count, rules, settings, self.states, transfers=transfers)
            self._offer()

    def _follow(self, deployment: Deployment) -> None:
        before = [each.deployment_id for each in self._followed if each.offset < deployment.offset]
        running, filling = self._going.on(deployment)
        self.partition = Partition.deployed(
            self._number, self._count, running, self.states, self._transfers, before, filling
        )
        self._offer()
        if deployment.kind == FILL:
            while self.partition.sweeping:
                self.partition.advance()
            fill_at_once(self.partition, self._log)

    def _offer(self) -> None:
        """The log, from where the partition stands."""
        partition, ends = self.partition, self._ends
        links = () if self._transfers is None else (IDENTITIES,)
        for topic in (*partition.inputs, *links):
            records = list(self._log.get(topic, ()))
            ends[topic] = records[-1].offset + 1 if records else 0
            if topic not in partition.offsets:
                partition.begin(topic, records[0].offset if records else 0)
            start = partition.offsets[topic]
            partition.offer(topic, start, [each for each in records if each.offset >= start], ends[topic])
        if self._followed:
            start, ends[DEPLOYMENTS] = partition.offsets[DEPLOYMENTS], self._followed[-1].offset + 1
            coming = [each for each in self._followed if each.offset >= start]
            partition.offer_deployments(start, coming, ends[DEPLOYMENTS])
        if self._transfers is not None:
            if self._transfers not in partition.offsets:
                partition.begin(self._transfers, 0)
            start, ends[self._transfers] = partition.offsets[self._transfers], len(self._arrived)
            partition.offer_transfers(start, self._arrived[start:])
        partition.confirm(ends, partition.stamp, None)

    def deliver(self, transfer: Transfer) -> None:
        """Take in what comes from another partition."""
        assert self._transfers is not None
        self.partition.offer_transfers(len(self._arrived), [transfer])
        self._arrived.append(transfer)
        self._ends[self._transfers] = len(self._arrived)
        self.partition.confirm(self._ends, self.partition.stamp, None)

    def step(self) -> tuple[bool, Effects | None]:
        """Apply one record, or do what is due before a deployment. Returns whether anything was done, and what came."""
        more = self.partition.advance(1)
        effects = self.partition.collect_effects()
        if effects is not None:
            effects.commit_to(self.states)
        successor = self.partition.successor
        if successor is not None:
            self._follow(successor)
        return more or successor is not None, effects

    def run(self, until: int | None = None) -> Iterator[Effects]:
        """Apply the whole log; at the end what is due up to and including `until` fires."""
        more = True
        while more:
            more = self.partition.advance()
            successor = self.partition.successor
            if not more and successor is None and until is not None:
                self.partition.until(until)
            effects = self.partition.collect_effects()
            if effects is not None:
                effects.commit_to(self.states)
                yield effects
            if successor is not None:
                self._follow(successor)
                more = True


def together(replays: Mapping[int, Replay], count: int, until: int | None = None) -> Iterator[Effects]:
    """All partitions of a log with links: of their heads the one that occurred first, ties by partition, then by topic.

    What one hands to another is there at once. At the end what is due up to and including `until` fires.
    """
    while True:
        heads = [(each.partition.head, number) for number, each in replays.items()]
        waiting = [(head, number) for head, number in heads if head is not None]
        if not waiting:
            break
        done = False
        for _, number in sorted(waiting):
            done, effects = replays[number].step()
            if effects is not None:
                for transfer in effects.transfers:
                    there = replays.get(partition_of(transfer.key, count))
                    if there is not None:
                        there.deliver(transfer)
                yield effects
            if done:
                break
        if not done:
            break
    for each in replays.values():
        yield from each.run(until)


@dataclass(frozen=True, slots=True)
class Moment:
    """A record of a log as it matters to one customer: one of theirs, or one that only moves the clock."""

    at: int
    """When it occurred, in milliseconds."""
    clock: int
    """What it moves the clock of the partition to; BEFORE_ALL: it moves none."""
    record: Record | None
    """The customer's own; None: somebody else's."""


class Alone:
    """One customer of a partition: their records are applied, those of others only move the clock and keep the order.

    What becomes of the customer is what becomes of them in the whole log, in a fraction of the time. Deployments are
    followed as `Replay` does.
    """

    def __init__(
        self,
        number: int,
        count: int,
        rules: RuleSet | PlannedRules | None,
        settings: EngineSettings,
        deployments: Sequence[Deployment] = (),
    ) -> None:
        self._states: dict[bytes, bytes] = {}
        self._number, self._count = number, count
        self._clock = BEFORE_ALL
        self._passed = 0
        """Offsets of the first input that no record has: each had the clock committed."""
        self._ends: defaultdict[str, int] = defaultdict(int)
        self._applied: defaultdict[str, list[Record]] = defaultdict(list)
        self._told: defaultdict[str, list[Moment]] = defaultdict(list)
        """What profile sources told so far: a deployment that brings one has it read from its start."""
        self._done: list[Effects] = []
        self._going = Going()
        self._followed = Chain().add_all(deployments)
        if self._followed:
            self._follow(self._followed[0])
        else:
            assert rules is not None
            self.partition = Partition(number, count, rules, settings, self._states)
            self._begin()

    def run(self, log: Mapping[str, Sequence[Moment]], until: int | None) -> Iterator[Effects]:
        """Live through the log; at the end what is due up to and including `until` fires."""
        coming = [Moment(each.at, BEFORE_ALL, None) for each in self._followed[1:]]
        followed = iter(self._followed[1:])
        for topic, moment in in_turn({**log, DEPLOYMENTS: coming}):
            if topic == DEPLOYMENTS:
                yield from self._succeed(next(followed))
                continue
            if topic not in INPUTS:
                self._told[topic].append(moment)
            if topic in self.partition.inputs:
                yield from self._live(topic, moment)
        self._tell()
        if until is not None:
            self.partition.until(until)
        yield from self._effects()

    def _live(self, topic: str, moment: Moment) -> Iterator[Effects]:
        if moment.record is not None:
            self._tell()
            self._offer(topic, moment.record)
            self._settle()
            yield from self._effects()
        if moment.clock > BEFORE_ALL:
            self._clock = max(self._clock, moment.clock - self.partition.settings.grace)

    def _begin(self) -> None:
        for topic in self.partition.inputs:
            if topic not in self.partition.offsets:
                self.partition.begin(topic, 0)
                self._ends[topic], self._applied[topic] = 0, []

    def _follow(self, deployment: Deployment) -> None:
        running, filling = self._going.on(deployment)
        self.partition = Partition.deployed(self._number, self._count, running, self._states, filling=filling)
        self._begin()
        self._ends[DEPLOYMENTS] = self.partition.offsets[DEPLOYMENTS]
        self._settle()
        if deployment.kind == FILL:
            fill_at_once(self.partition, self._applied)

    def _succeed(self, deployment: Deployment) -> Iterator[Effects]:
        """What is due fires and is committed with the clock, by an offset that no record has; then it is followed."""
        self._tell()
        topic = INPUTS[0]
        self.partition.offer(topic, self._ends[topic], [], self._ends[topic] + 1)
        self._ends[topic] += 1
        self._passed += 1
        self._settle()
        yield from self._effects()
        before = self.partition.inputs
        self._follow(deployment)
        yield from self._effects()
        brought = {each: self._told[each] for each in self.partition.inputs if each not in before}
        for each, moment in in_turn(brought):
            yield from self._live(each, moment)

    def _offer(self, topic: str, record: Record) -> None:
        offset = record.offset + (self._passed if topic == INPUTS[0] else 0)
        if offset != record.offset:
            record = moved(record, offset)
        self._applied[topic].append(record)
        start, self._ends[topic] = self._ends[topic], offset + 1
        self.partition.offer(topic, start, [record], offset + 1)

    def _tell(self) -> None:
        """The clock is at least where the records of others have moved it."""
        told = self._clock > BEFORE_ALL
        self._settle(self._clock + self.partition.settings.grace if told else None)

    def _settle(self, wall: int | None = None) -> None:
        """Every input is caught up; do what can be done."""
        while self.partition.sweeping:
            self.partition.advance()
        self.partition.confirm(self._ends, self.partition.stamp, wall)
        while self.partition.advance():
            pass
        if (over := self.partition.successor) is not None:
            # What the rules before kept is not needed any more: the same deployment goes on without it.
            self._done = list(self._effects())
            self._follow(over)

    def _effects(self) -> Iterator[Effects]:
        done, self._done = self._done, []
        yield from done
        effects = self.partition.collect_effects()
        if effects is not None:
            effects.commit_to(self._states)
            yield effects


def moved(record: Record, offset: int) -> Record:
    """The same record at another offset."""
    made = Record(record.topic, offset, record.timestamp, record.key, record.value, record.event)
    made.over = record.over
    return made


def in_turn(log: Mapping[str, Sequence[Moment]]) -> Iterator[tuple[str, Moment]]:
    """The order of a partition: of the heads of the topics the one that occurred first; ties by topic."""
    places = {topic: 0 for topic in sorted(log) if log[topic]}
    while places:
        topic = min(places, key=lambda each: log[each][places[each]].at)
        yield topic, log[topic][places[topic]]
        places[topic] += 1
        if places[topic] == len(log[topic]):
            del places[topic]
