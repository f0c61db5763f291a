"""Who would flip if a deployment were taken over now, by the states that the group holds; nothing is written.

The workers count, each over the states of its partitions, beside its work. Where they can't be asked, or do not serve
every partition, the states are read from the changelog into memory, one partition after the other. Either way the
engine takes the new rules over as a worker would. A rule with measures that the deployed rules do not keep is unknown:
it would know events from the take-over on only, and counts nobody.
"""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import cramjam

import schemas
from segments.engine import CLICKSTREAM, CommittedStates, Moves, PlannedRules
from segments.plan.borders import borders_of
from streams.deployments.changes import Changes
from streams.deployments.records import unpacked
from streams.errors import StreamsError
from streams.http.client import answer_of
from streams.kafka.connection import admin, connection
from streams.kafka.group import owners
from streams.kafka.topics import changelog, look
from streams.settings.settings import Settings

PERCENT = 100
AT_ONCE = 5_000
"""Customers counted before the event loop, which reads the next records, gets the GIL."""


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

    def add(self, told: Mapping[str, Any]) -> None:
        """Add what was found in a partition."""
        self.customers += told["customers"]
        self.moved += told["moved"]
        for counts, name in ((self.members, "members"), (self.enters, "enters"), (self.exits, "exits")):
            counts.update(told[name])

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


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is counted, and how."""

    made: Mapping[str, Any]
    """The record that would be written: its plan and its borders count."""
    deployed: PlannedRules
    partitions: Collection[int]
    seconds: float
    """In which a worker must have counted."""
    unknown: tuple[str, ...] = ()
    """Rules that count nobody."""

    @property
    def rules(self) -> PlannedRules:
        """The rules of the record, ready to run."""
        return _planned(self.made)


def _planned(made: Mapping[str, Any]) -> PlannedRules:
    return PlannedRules(unpacked(made["plan"]), borders_of(made["borders"]))


def rules_of(record: bytes) -> PlannedRules:
    """The rules of a deployment as its topic has it; raises ValueError if they can't be read."""
    try:
        return _planned(schemas.decode(schemas.DEPLOYMENT, record))
    except (schemas.DecodeError, cramjam.DecompressionError) as error:
        raise ValueError(str(error)) from error


def unmeasured(changes: Changes) -> tuple[str, ...]:
    """The rules of which nothing can be counted before the take-over."""
    return tuple(each.id for each in changes.rules if each.new_measures)


def count(
    settings: Settings, asked: Asked, tell: Callable[[int], None], say: Callable[[str], None]
) -> Counted:
    """Count over the states as they are committed now; `tell` is told how many partitions are done.

    `say` is told, in one line, if the workers do not count, and why.
    """
    found = Counted(unknown=asked.unknown)
    found.members.update(dict.fromkeys(asked.deployed.ids, 0))
    try:
        told = _by_workers(settings, asked, tell)
    except StreamsError as error:
        if not is_kept(settings):
            return found
        say(f"the workers do not count ({str(error).rstrip('.')}): the states are read from the changelog")
        told = asyncio.run(_by_changelog(settings, asked, tell))
    for each in told:
        found.add(each)
    return found


def is_kept(settings: Settings) -> bool:
    """Whether the group has a changelog."""
    with admin(settings) as client:
        return bool(look(client, [changelog(settings.group)]))


def _by_workers(settings: Settings, asked: Asked, tell: Callable[[int], None]) -> list[Mapping[str, Any]]:
    """What the workers found in each partition; StreamsError if one of them can't be asked, or nobody serves one."""
    served = owners(settings, CLICKSTREAM)
    if unserved := [number for number in sorted(asked.partitions) if number not in served]:
        raise StreamsError(f"no worker serves partition {unserved[0]}")
    record = schemas.encode(schemas.DEPLOYMENT, {**asked.made, "rules": None})
    question = {"deployment": base64.b64encode(record).decode(), "uncounted": asked.unknown}
    mine: dict[str, list[int]] = {}
    for number in sorted(asked.partitions):
        mine.setdefault(served[number], []).append(number)

    def ask(where: str) -> list[Mapping[str, Any]]:
        body = json.dumps({**question, "partitions": mine[where]}).encode()
        answer = answer_of(where, "/moves", settings.why_token, asked.seconds, body)
        try:
            told = [answer["partitions"][str(number)] for number in mine[where]]
        except (KeyError, TypeError):
            raise StreamsError(f"The worker at {where} answers as none of this version does.") from None
        return told

    found: list[Mapping[str, Any]] = []
    with ThreadPoolExecutor(len(mine)) as threads:
        for told in threads.map(ask, mine):
            found += told
            tell(len(told))
    return found


async def _by_changelog(
    settings: Settings, asked: Asked, tell: Callable[[int], None]
) -> list[Mapping[str, Any]]:
    # Not above: what restores states brings a client of Kafka that the rest of the command does not need.
    from aiokafka import TopicPartition

    from streams.kafka.offsets import Offsets
    from streams.store.restore import restore
    from streams.store.stores import MemoryStore

    client = connection(settings) | {"client_id": f"{settings.group}-deploy"}
    topic, rules = changelog(settings.group).name, asked.rules
    offsets, found = Offsets(client, settings.group), list[Mapping[str, Any]]()
    await offsets.start()
    try:
        for number in sorted(asked.partitions):
            place, store = TopicPartition(topic, number), MemoryStore()
            bounds = (await offsets.starts([place]))[place], (await offsets.ends([place]))[place]
            await restore(store, client, place, bounds, lambda _left: None)
            found.append(await asyncio.to_thread(counted, rules, asked, store.states))
            tell(1)
    finally:
        await offsets.stop()
    return found


def counted(rules: PlannedRules, asked: Asked, states: CommittedStates) -> dict[str, Any]:
    """What the engine finds in the states of one partition."""
    moves = Moves(rules.native, len(asked.partitions), states, set(asked.unknown))
    while moves.advance(AT_ONCE):
        pass
    return moves.told()
