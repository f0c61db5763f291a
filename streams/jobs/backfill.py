"""New measures of a group's rules, filled from what the input topics still hold, one partition after the other.

No worker of the group may run: whoever fills a partition owns it, fenced as a worker would. `segments.engine.refill`
says why a crash at any moment leaves a state that is right.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from aiokafka import TopicPartition
from kafka.admin import ConfigResource

from segments.engine import (
    BEFORE_ALL,
    EVENTS,
    IDENTITIES,
    PROFILES,
    EngineSettings,
    Partition,
    Past,
    Refill,
    RuleSet,
    listening,
)
from streams.clock import wall_clock
from streams.errors import StreamsError
from streams.history.files import FUTURE
from streams.history.reader import History, Progress
from streams.history.topics import Part, topics_history
from streams.kafka.connection import admin, connection
from streams.kafka.offsets import Offsets
from streams.settings.settings import Settings
from streams.store.restore import restore
from streams.store.stores import MemoryStore
from streams.store.table import changelog_topic
from streams.transport import TransactionalProducer
from streams.transport.errors import CommitFailed
from streams.transport.producer import Batches

Watch = Callable[[int, History], Progress]
"""Is told which partition is read, and gives what is told how far."""


@dataclass(frozen=True, slots=True)
class BackfillOptions:
    """What is to be filled, and how."""

    wanted: tuple[str, ...]
    """Ids of rules."""
    dry_run: bool = False
    whole: bool = False
    """Also what is older than erasures are kept."""


@dataclass(slots=True)
class FilledPartition:
    """What became of one partition."""

    number: int
    missing: dict[str, int]
    """For each measure that did not know all, the instant from which it knew events."""
    known: dict[str, int] = field(default_factory=dict)
    """And from which it does now; BEFORE_ALL: all of them. What could not be filled is absent."""
    records: int = 0
    links: bool = False
    """Whether ids were merged: what an absorbed id did before its link is in no history of who goes on."""
    flips: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Enters and exits, by rule, when the workers start."""


class Backfill:
    """Fills the partitions of a group."""

    def __init__(self, settings: Settings, rules: RuleSet, options: BackfillOptions, count: int) -> None:
        """Ask nothing yet."""
        self._settings, self._rules, self._options, self._count = settings, rules, options, count
        self._engine = EngineSettings.of(settings)
        self._client = connection(settings) | {"client_id": f"{settings.group}-backfill"}
        self._changelog = changelog_topic(settings.group)

    async def run(self, tell: Callable[[FilledPartition], None], watch: Watch) -> None:
        """Fill one partition after the other; each is told of when it is done."""
        offsets = Offsets(self._client, self._settings.group)
        await offsets.start()
        try:
            for number in range(self._count):
                tell(await self._fill(number, offsets, watch))
        except CommitFailed as error:
            raise StreamsError(
                f"{error}: stop all workers of the group and call again; what was done so far is not lost."
            ) from error
        finally:
            await offsets.stop()

    async def _fill(self, number: int, offsets: Offsets, watch: Watch) -> FilledPartition:
        producer = TransactionalProducer(self._client, self._settings.group, number)
        if not self._options.dry_run:
            await producer.start()
        try:
            store = await self._restored(number, offsets)
            refill = Refill(store, self._rules, self._options.wanted, self._count)
            filled = FilledPartition(number, refill.missing, links=refill.offsets.get(IDENTITIES, 0) > 0)
            if refill.missing:
                past, complete = await asyncio.to_thread(self._read, filled, refill, watch)
                filled.known = refill.known(complete)
                for states in refill.batches(past, complete):
                    if not self._options.dry_run:
                        await self._commit(producer, states)
                    store.apply(states, None)
                self._foresee(filled, store)
        finally:
            await producer.abandon()
        return filled

    async def _restored(self, number: int, offsets: Offsets) -> MemoryStore:
        changelog, store = TopicPartition(self._changelog, number), MemoryStore()
        bounds = (await offsets.starts([changelog]))[changelog], (await offsets.ends([changelog]))[changelog]
        await restore(store, self._client, changelog, bounds, lambda _left: None)
        return store

    def _read(self, filled: FilledPartition, refill: Refill, watch: Watch) -> tuple[Past, dict[str, int]]:
        """The past of a partition, and from when on it is complete."""
        since = refill.since if self._options.whole else max(refill.since, self._erasures_known_since)
        past = Past(filled.number, self._count, listening(self._rules), self._engine)
        part = Part(filled.number, refill.offsets)
        with topics_history(self._settings, since, None, part) as history:
            filled.records = history.length
            history.read(past, watch(filled.number, history))
            found = {topic: history.complete_from(topic, filled.number) for topic in EVENTS}
        return past, {
            topic: BEFORE_ALL if instant is None or instant <= refill.since else instant
            for topic, instant in found.items()
        }

    @cached_property
    def _erasures_known_since(self) -> int:
        """What came in before may be of somebody whose erasure `profiles` has forgotten since."""
        with admin(self._settings) as client:
            resource = ConfigResource("TOPIC", PROFILES)
            found = client.describe_configs([resource], config_filter="all")["topic"][PROFILES]
        return wall_clock() - int(found["delete.retention.ms"]["value"]) + FUTURE

    async def _commit(self, producer: TransactionalProducer, states: dict[bytes, bytes | None]) -> None:
        batches: Batches = {}
        producer.add_all(batches, self._changelog, wall_clock(), states)
        await producer.commit(batches, {})

    def _foresee(self, filled: FilledPartition, store: MemoryStore) -> None:
        """What the workers will do first of all."""
        partition = Partition(filled.number, self._count, self._rules, self._engine, store)
        while partition.sweeping:
            partition.advance()
            effects = partition.collect_effects()
            for _, event in () if effects is None else effects.segment_events:
                filled.flips[event["segment"], event["transition"]] += 1
