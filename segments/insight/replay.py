"""A log of events through the very engine of the worker, without Kafka and without a wall clock."""

from collections.abc import Iterator, Mapping, Sequence

from segments.engine import (
    DEPLOYMENTS,
    FILL,
    IDENTITIES,
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


def moved(record: Record, offset: int) -> Record:
    """The same record at another offset."""
    made = Record(record.topic, offset, record.timestamp, record.key, record.value, record.event)
    made.over = record.over
    return made
