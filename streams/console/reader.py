"""Reads along what workers write, into the database: segment events, memberships and dead letters."""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.records import SEGMENT_EVENT, SEGMENT_MEMBERSHIPS, SEGMENT_OUTCOME
from streams.clock import wall_clock
from streams.console.database import HOUR, Arm, Database, Entry, Flips, Outcome, Version, stored
from streams.console.figures import Figures
from streams.console.recorded import decoded, entry_of, letter_of
from streams.errors import StreamsError
from streams.kafka.closing import closed
from streams.kafka.connection import connection
from streams.kafka.read_committed import DEAD_LETTERS
from streams.kafka.topics import require_these
from streams.registry.registry import Registry
from streams.settings.settings import Settings

log = logging.getLogger(__name__)

EVENTS, MEMBERSHIPS = "segment-events", "segment-memberships"
OUTCOMES = "segment-outcomes"
TOPICS = (EVENTS, MEMBERSHIPS, OUTCOMES, DEAD_LETTERS)
NO_ENTER = frozenset({"rule_added", "rule_changed", "merged"})
"""Reasons of enters that nothing happened for: their outcomes are left out, as in `segments report`."""
AT_ONCE = 5_000
"""Records of one transaction of the database: some 100 ms, in which no page is answered."""
POLL_MILLISECONDS = 100
"""A flip is on the page within a second."""
FETCH_BYTES = 4_194_304
"""Of one partition at a time: with four times the default a million memberships take a third less."""
ENDS_EVERY = 1.0
"""Seconds between two questions where the topics end: the instant that a page is as of is as exact."""
AGAIN = 2.0
"""Seconds before Kafka is asked again after it did not answer."""
NULLS_MILLISECONDS = 12 * HOUR
"""The nulls of a compacted topic stay at least 24 hours by Kafka's default. Who has not read for half of that reads
all memberships again, or would keep customers whose null is gone."""

T = TypeVar("T")
Part = tuple[str, int]


@dataclass(slots=True)
class Progress:
    """How far the topics are read."""

    as_of: int | None = None
    """The latest instant, in milliseconds, at which all was read that Kafka had; None: there is none."""
    caught_up: bool = False
    """Whether that has been so since the start."""
    problem: str | None = None
    """What is wrong with Kafka or the topics, in words with the mend."""
    read: int = 0
    total: int = 0
    """Offsets read since the start, and those that there were to read then."""
    partitions: int = 0
    """Of each topic; 0: not known yet."""
    behind: frozenset[int] = field(default_factory=frozenset)
    """Partitions that are not read to where they ended at the latest question."""

    @property
    def loading(self) -> bool:
        """Whether what there was at the start is still being read."""
        return not self.caught_up


class Reader:
    """Keeps a database at the end of its topics. All that touches the database runs in one thread of its own."""

    def __init__(self, database: Database, settings: Settings, registry: Registry | None) -> None:
        self.database = database
        self.progress = Progress(as_of=database.noted("as_of"))
        self._settings = settings
        self.registry = registry
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self.figures = Figures(database, wall_clock())
        self.changed: list[Callable[[], None]] = []
        self.forgotten: list[Callable[[str], None]] = []
        self._gone: list[str] = []
        self._starts: dict[TopicPartition, int] = {}
        self._heard = False

    async def ask(self, question: Callable[..., T], *values: Any) -> T:
        """What a function gives that touches the database or the figures."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(question, *values))

    async def run(self) -> None:
        """Read for ever; whatever goes wrong in between is told in `progress`, and tried again."""
        while True:
            try:
                await self._read()
            except sqlite3.DatabaseError as error:
                log.exception("the database can't be used")
                self.progress.problem = f"the console's database can't be written: {error}"
                await asyncio.sleep(AGAIN)
                await self.ask(self._mend, error)
            except (KafkaError, StreamsError, OSError, TimeoutError) as error:
                told = str(error) if isinstance(error, StreamsError) else f"Kafka does not answer: {error!r}"
                if self.progress.problem != told:
                    log.warning("%s; trying again", told)
                self.progress.problem = told
                await asyncio.sleep(AGAIN)

    def _mend(self, error: sqlite3.DatabaseError) -> None:
        """Recreate a damaged file; one that was only full, or locked by others, is read again as it is."""
        if not isinstance(error, sqlite3.OperationalError):
            self.database.begin_anew()
        self.figures.begin(wall_clock())

    async def close(self) -> None:
        """Close the database."""
        await self.ask(self.database.close)
        self._thread.shutdown()

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **connection(self._settings),
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            # A question where topics end waits behind a fetch that waits for data.
            fetch_max_wait_ms=POLL_MILLISECONDS,
        )
        await consumer.start()
        try:
            partitions = await self._assign(consumer)
            await self._follow(consumer, partitions)
        finally:
            await closed(consumer.stop())

    async def _assign(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        """Go on where the database ends; from the beginning if a topic was replaced, or nulls may be missing."""
        count = await asyncio.to_thread(require_these, self._settings, TOPICS)
        partitions = [TopicPartition(topic, number) for topic in TOPICS for number in range(count)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        begins = await consumer.beginning_offsets(partitions)
        positions = await self.ask(self._positions, {tuple(each): end for each, end in ends.items()})
        for each in partitions:
            at = max(positions.get(tuple(each), 0), begins[each])
            consumer.seek(each, at)
            self._starts[each] = at
        self.progress.partitions = count
        self.progress.read = 0
        self.progress.total = sum(ends[each] - self._starts[each] for each in partitions)
        self.progress.problem = None
        return partitions

    def _positions(self, ends: Mapping[Part, int]) -> Mapping[Part, int]:
        """How far the database has read; what it can't go on with is forgotten."""
        database, now = self.database, wall_clock()
        positions = database.positions()
        if any(positions[each] > ends.get(each, 0) for each in positions) or (
            positions and len(positions) != len(ends)
        ):
            log.warning("the topics are not those that were read: the database is made anew")
            database.clear()
        elif (as_of := database.noted("as_of")) is not None and now - as_of > NULLS_MILLISECONDS:
            log.info("not read for %d hours: memberships are read again", (now - as_of) // HOUR)
            database.forget_memberships()
        else:
            return positions
        self.figures.begin(now)
        self.progress.as_of = None
        return database.positions()

    async def _follow(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        loop = asyncio.get_running_loop()
        asked, at = float("-inf"), wall_clock()
        ends: dict[TopicPartition, int] = {}
        while True:
            batches = await consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=AT_ONCE)
            if self.registry is not None:
                for partition, records in batches.items():
                    values = [record.value for record in records if record.value is not None]
                    await asyncio.to_thread(self.registry.learn_all, partition.topic, values)
            positions = {each: await consumer.position(each) for each in partitions}
            self.progress.read = sum(positions[each] - self._starts[each] for each in partitions)
            caught_up = bool(ends) and all(positions[each] >= ends[each] for each in partitions)
            if batches or caught_up:
                noted = {tuple(each): offset for each, offset in positions.items()}
                await self.ask(self.take_in, batches, noted, at if caught_up else None)
                self.tell_forgotten()
            if ends:
                self.progress.behind = frozenset(
                    each.partition for each in partitions if positions[each] < ends[each]
                )
            if caught_up:
                self.progress.as_of, self.progress.caught_up = at, True
            if batches:
                for tell in self.changed:
                    tell()
            if loop.time() - asked >= ENDS_EVERY and (caught_up or not ends):
                # Before the question: what comes while it is answered is not known to be read.
                at, asked = wall_clock(), loop.time()
                ends = await consumer.end_offsets(partitions)

    def tell_forgotten(self) -> None:
        """Tell who was erased or forgotten in what was taken in."""
        gone, self._gone = self._gone, []
        for customer in gone:
            for tell in self.forgotten:
                tell(customer)

    def take_in(
        self, batches: Mapping[TopicPartition, Sequence[Any]], positions: Mapping[Part, int], at: int | None
    ) -> None:
        """Take in records and how far the topics are read by them, as a whole."""
        with self.database.together():
            for partition, records in batches.items():
                match partition.topic:
                    case "segment-events":
                        self._events(records)
                    case "segment-memberships":
                        self._memberships(partition.partition, records)
                    case "segment-outcomes":
                        self._outcomes(records)
                    case _:
                        self.database.count_letters(map(letter_of, records))
            self.figures.keep()
            self.database.note_positions(positions)
            if at is not None:
                self.database.note("as_of", at)
        self.figures.move_on(wall_clock())

    def _events(self, records: Sequence[Any]) -> None:
        counts: Counter[Flips] = Counter()
        versions: dict[Version, tuple[int, int]] = {}
        for record in records:
            if (event := decoded(SEGMENT_EVENT, record)) is None:
                continue
            segment, at = event["segment"], event["occurred_at"]
            flips = (
                segment,
                at // HOUR * HOUR,
                event["transition"],
                event["reason"],
                stored(event.get("value")),
            )
            counts[flips] += 1
            version = segment, event["segment_version"]
            first, latest = versions.get(version, (at, at))
            versions[version] = min(first, at), max(latest, at)
        self.database.count_flips(counts, versions)
        self.figures.flipped(counts, versions)

    def _outcomes(self, records: Sequence[Any]) -> None:
        sums: dict[Arm, Outcome] = {}
        for record in records:
            told = decoded(SEGMENT_OUTCOME, record)
            if told is None or told["kind"] != "matured" or told["reason"] in NO_ENTER:
                continue
            arm = told["segment"], stored(told["arm"])
            reached = told["first_goal_at"] is not None
            one = Outcome(1, int(reached), told["goals"], told["revenue"])
            sums[arm] = sums.get(arm, Outcome()).plus(one)
        self.database.count_outcomes(sums)

    def _memberships(self, number: int, records: Sequence[Any]) -> None:
        for record in records:
            entries: list[Entry] | None = None
            if record.value is not None:
                if (found := decoded(SEGMENT_MEMBERSHIPS, record)) is None:
                    continue
                entries = [entry_of(each) for each in found["segments"]]
            customer = (record.key or b"").decode(errors="replace")
            before = self.database.memberships(customer)
            if before is None or entries is None or sorted(before) != sorted(entries):
                self.database.replace(customer, number, before, entries)
                self.figures.replaced(before, entries)
            if entries is None:
                self._gone.append(customer)
