"""Who would flip if a deployment were taken over now, by the states that the group holds; nothing is written.

Each partition's states are read from the changelog into memory, one partition after the other, and the engine takes the
new rules over as a worker would. A rule with measures that the deployed rules do not keep is unknown: it would know
events from the take-over on only, and counts nobody.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from segments.engine import (
    Border,
    EngineSettings,
    Partition,
    PlannedRules,
    RuleSet,
    of_customer,
    settings_of,
    with_borders,
)
from streams.deployments.changes import Changes
from streams.deployments.planning import Planned
from streams.deployments.records import Deployed
from streams.errors import StreamsError
from streams.kafka.connection import admin, connection
from streams.kafka.offsets import Offsets
from streams.kafka.topics import changelog, look
from streams.settings.settings import Settings
from streams.store.restore import restore
from streams.store.stores import MemoryStore

PERCENT = 100


class TooManyMove(StreamsError):
    """More customers would flip than allowed: nothing was written."""

    exit_code = 5


@dataclass(slots=True)
class Counted:
    """What was counted over all partitions."""

    customers: int = 0
    members: Counter[str] = field(default_factory=Counter)
    """Of each segment as deployed."""
    enters: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    moved: int = 0
    """Customers who would enter or leave some segment that is counted."""
    unknown: tuple[str, ...] = ()
    """Rules whose measures are not kept yet."""

    def over(self, percent: float) -> list[str]:
        """One line for each segment of which more would flip: of its members, or, of one without, of all customers."""
        found = []
        for name in sorted({*self.enters, *self.exits} - set(self.unknown)):
            moved, members = max(self.enters[name], self.exits[name]), self.members[name]
            of, whom = (members, "members") if members else (self.customers, "customers")
            if moved * PERCENT > percent * of:
                found.append(
                    f"{name}: {self.enters[name]:,} would enter and {self.exits[name]:,} leave, of {of:,} {whom}"
                )
        return found

    def over_all(self, percent: float) -> list[str]:
        """One line if more of all customers would flip, in whatever segment; each customer counts once."""
        if self.moved * PERCENT <= percent * self.customers:
            return []
        return [f"in all: {self.moved:,} would enter or leave a segment, of {self.customers:,} customers"]


def unknown(changes: Changes) -> tuple[str, ...]:
    """The rules of which nothing can be counted before the take-over."""
    return tuple(each.id for each in changes.rules if each.new_measures)


def count(
    settings: Settings,
    planned: Planned,
    changes: Changes,
    partitions: int,
    tell: Callable[[int], None],
    borders: Sequence[Border] = (),
    *,
    filled: bool = False,
) -> Counted:
    """Count over the states as they are committed now; is told of each partition that is done.

    `filled`: what the rules measure anew is filled, so that nothing is unknown.
    """
    missing = () if filled else unknown(changes)
    with admin(settings) as client:
        is_new = not look(client, [changelog(settings.group)])
    if changes.deployed is None or is_new:
        return Counted(unknown=missing)
    rules = with_borders(planned.ruleset, borders)
    found = Counted(unknown=missing)
    return count_over(settings, changes.deployed, (rules, planned.engine), partitions, tell, found)


def count_over(
    settings: Settings,
    deployed: Deployed,
    rules: tuple[RuleSet | PlannedRules, EngineSettings],
    partitions: int,
    tell: Callable[[int], None],
    found: Counted,
) -> Counted:
    """Count who would flip if these rules, with these settings, took over from those deployed."""
    return asyncio.run(_count(settings, deployed, rules, partitions, tell, found))


async def _count(
    settings: Settings,
    deployed: Deployed,
    rules: tuple[RuleSet | PlannedRules, EngineSettings],
    partitions: int,
    tell: Callable[[int], None],
    found: Counted,
) -> Counted:
    client = connection(settings) | {"client_id": f"{settings.group}-deploy"}
    topic = changelog(settings.group).name
    offsets = Offsets(client, settings.group)
    await offsets.start()
    try:
        for number in range(partitions):
            place, store = TopicPartition(topic, number), MemoryStore()
            bounds = (await offsets.starts([place]))[place], (await offsets.ends([place]))[place]
            await restore(store, client, place, bounds, lambda _left: None)
            await asyncio.to_thread(_sweep, (number, partitions), rules, deployed, store, found)
            tell(1)
    finally:
        await offsets.stop()
    return found


def _sweep(
    place: tuple[int, int],
    rules: tuple[RuleSet | PlannedRules, EngineSettings],
    deployed: Deployed,
    store: MemoryStore,
    found: Counted,
) -> None:
    """Let the engine take one partition over."""
    before = Partition(*place, deployed.planned, settings_of(deployed.settings), store)
    found.members.update(before.members)
    found.customers += sum(map(of_customer, store.keys()))
    partition = Partition(*place, *rules, store)
    while partition.sweeping:
        partition.advance()
        moves, customers = partition.collect_moves(found.unknown)
        # The sweep comes to each customer once.
        found.moved += customers
        for (segment, enters), times in moves.items():
            (found.enters if enters else found.exits)[segment] += times
