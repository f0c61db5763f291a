"""One customer of a log, through the very engine of the worker: in a fraction of the time of the whole log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from segments.engine import (
    BEFORE_ALL,
    DEPLOYMENTS,
    FILL,
    INPUTS,
    Chain,
    Deployment,
    Effects,
    EngineSettings,
    Partition,
    PlannedRules,
    Record,
    RuleSet,
    fill_at_once,
)
from segments.insight.going import Going
from segments.insight.replay import moved


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
        self._ends: dict[str, int] = {}
        self._applied: dict[str, list[Record]] = {}
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
        turns = _Turns({**log, DEPLOYMENTS: coming})
        for topic, moment in turns:
            if topic == DEPLOYMENTS:
                before = self.partition.inputs
                yield from self._succeed(next(followed))
                for brought in set(self.partition.inputs).difference(before):
                    turns.begin(brought)
            elif topic in self.partition.inputs:
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
        while self.partition.catch_up(1):
            pass
        yield from self._effects()
        self._follow(deployment)
        yield from self._effects()

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


class _Turns:
    """The order of a partition: of the heads of the topics the one that occurred first; ties by topic."""

    def __init__(self, log: Mapping[str, Sequence[Moment]]) -> None:
        self._log = log
        self._places: dict[str, int] = {}
        self._heads: list[tuple[int, str]] = []
        for topic in log:
            self.begin(topic)

    def begin(self, topic: str) -> None:
        """Read a topic from its start: a profile source that a deployment brings."""
        self._heads = [each for each in self._heads if each[1] != topic]
        heapify(self._heads)
        self._places[topic] = 0
        self._push(topic)

    def _push(self, topic: str) -> None:
        moments, place = self._log.get(topic, ()), self._places[topic]
        if place < len(moments):
            heappush(self._heads, (moments[place].at, topic))

    def __iter__(self) -> Iterator[tuple[str, Moment]]:
        while self._heads:
            _, topic = heappop(self._heads)
            moment = self._log[topic][self._places[topic]]
            self._places[topic] += 1
            self._push(topic)
            yield topic, moment
