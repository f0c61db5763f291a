"""What is so now: who is in which segment, who agreed to what and who was erased, read along from the topics.

An enter is sent only if the customer is still in the segment, and agrees. So before a decision the view must have read
all that Kafka had when it was asked for. It lies in a temporary file without a name, and is read anew at each start.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from kafka.errors import KafkaError as NamedError

import schemas
from schemas.records import SEGMENT_MEMBERSHIPS
from segments.engine import DEPLOYMENTS, IDENTITIES
from streams.delivery.customers import Customers
from streams.delivery.flip import Flip
from streams.delivery.policy import Membership
from streams.errors import BrokerAway, RegistryAway, RegistryError
from streams.kafka.closing import closed
from streams.kafka.offsets import Offsets
from streams.kafka.topics import profiles
from streams.registry.registry import Registry

log = logging.getLogger(__name__)

MEMBERSHIPS = "segment-memberships"
DEPLOYED = TopicPartition(DEPLOYMENTS, 0)
"""It has every deployment, as each partition has."""
AT_ONCE = 2_000
"""Records taken in at a time, so that nobody waits long for the event loop."""
POLL_MILLISECONDS = 200
PAUSE = 1.0
"""Seconds before Kafka is asked again after it did not answer."""

TABLES = """
CREATE TABLE known (customer TEXT PRIMARY KEY, sequence INT) WITHOUT ROWID;
CREATE TABLE member (
    customer TEXT, segment TEXT, value TEXT, episode INT, entered_at INT, arm TEXT, version TEXT, valid_until INT,
    details TEXT,
    PRIMARY KEY (customer, segment, value)) WITHOUT ROWID;
"""

MEMBER = (
    *("customer_id", "segment", "value", "episode", "entered_at", "arm", "segment_version", "valid_until"),
    "details",
)

Forgotten = Callable[[str], None]
"""Told of a customer who was erased or forgotten."""
Sources = Callable[[], Collection[str]]
"""Reads the profile sources beside `profiles`: those of the settings, and of the deployment that runs."""


class View:
    """Memberships and consents as they are; `wanted` tells which segments are asked for, `consents` which consents.

    `sources` is called in a thread, at the start and after each deployment: a source that one adds is read from its
    start before anything more is decided, and what one that is gone told is forgotten.
    """

    def __init__(
        self,
        client: Mapping[str, Any],
        group: str,
        wanted: Callable[[str], bool],
        consents: Collection[str],
        registry: Registry | None,
        sources: Sources,
    ) -> None:
        self._consumer = AIOKafkaConsumer(
            **client, enable_auto_commit=False, isolation_level="read_committed", auto_offset_reset="earliest"
        )
        # Not read committed: a transaction that is committed may not be visible in each of its topics at once.
        self._ends = Offsets(client, group, "read_uncommitted")
        self._wanted = wanted
        self._sources = sources
        self._count = 0
        self._registry = registry
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(TABLES)
        self._customers = Customers(self._db, consents)
        self._partitions: list[TopicPartition] = []
        self._positions: dict[TopicPartition, int] = {}
        self._deployed = 0
        """The largest end of the deployments that was asked for."""
        self._moved = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None
        self.forgotten: list[Forgotten] = []

    async def start(self, partitions: int) -> None:
        """Read all that is there, then go on reading along."""
        await self._consumer.start()
        await self._ends.start()
        self._count = partitions
        end = (await self._asked([DEPLOYED]))[DEPLOYED]
        self._deployed = self._positions[DEPLOYED] = end
        await self._assign(await self._read_sources())
        self._reading = asyncio.create_task(self._read(), name="view")
        await self.fresh()

    async def stop(self) -> None:
        """Stop reading, and forget everything."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        await closed(self._consumer.stop())
        await self._ends.stop()
        self._db.close()

    async def _assign(self, sources: Collection[str]) -> None:
        """Read these sources, each new one from its start, and go on with the rest where it is."""
        before, topics = self._partitions, (MEMBERSHIPS, *profiles(sources), IDENTITIES)
        wanted = [TopicPartition(topic, number) for topic in topics for number in range(self._count)]
        self._consumer.assign(wanted)
        for each in before:
            if each in wanted:
                self._consumer.seek(each, self._positions.get(each, 0))
        if new := {*wanted} - {*before}:  # of none it would be all
            await self._consumer.seek_to_beginning(*new)
        for topic in {each.topic for each in before} - {*topics}:
            self._customers.forget(topic)
        self._partitions = wanted

    async def _follow(self) -> None:
        """Read the sources of the deployment that runs, if one was written since they were read."""
        if self._positions[DEPLOYED] < (end := self._deployed):
            await self._assign(await self._read_sources())
            self._positions[DEPLOYED] = end

    async def _read_sources(self) -> Collection[str]:
        """The sources as the deployments have them; StreamsError if a newer version wrote one."""
        while True:
            try:
                return await asyncio.to_thread(self._sources)
            except (BrokerAway, RegistryAway, NamedError, OSError) as error:
                log.warning("the deployments can't be read (%r): trying again", error)
                await asyncio.sleep(PAUSE)

    async def fresh(self, numbers: Collection[int] | None = None) -> None:
        """Wait until all is read that Kafka has now: of the memberships in these partitions, in all if none are named.

        Profiles and links are read in all of them: those of another id of a customer may be in any. So are the
        sources of a deployment that was written before.
        """
        while not await self._caught_up(self._partitions, numbers):
            pass

    async def _caught_up(self, partitions: list[TopicPartition], numbers: Collection[int] | None) -> bool:
        """Wait until these are read as far as Kafka has them now; False: meanwhile others are to be read."""
        asked = [
            each
            for each in partitions
            if numbers is None or each.topic != MEMBERSHIPS or each.partition in numbers
        ]
        ends = await self._asked([*asked, DEPLOYED])
        self._deployed = max(self._deployed, ends[DEPLOYED])
        async with self._moved:
            for each, end in ends.items():
                while self._positions.get(each, 0) < end and self._partitions is partitions:
                    await self._moved.wait()
        return self._partitions is partitions

    async def _asked(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        while True:
            try:
                return await self._ends.ends(partitions)
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("Kafka does not tell where %s ends (%r): asking again", MEMBERSHIPS, error)
                await asyncio.sleep(PAUSE)

    async def ended(self) -> None:
        """Return, or raise what went wrong, when it reads no more: then nothing may be decided by it."""
        if self._reading is not None:
            await asyncio.shield(self._reading)

    async def _read(self) -> None:
        """Read along; while Kafka is away nothing is read, and so nothing decided."""
        while True:
            try:
                await self._read_some()
            except (KafkaError, RegistryAway, RegistryError, OSError) as error:
                log.warning("memberships and consents can't be read (%r): trying again", error)
                await asyncio.sleep(PAUSE)

    async def _read_some(self) -> None:
        await self._follow()
        batches = await self._consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=AT_ONCE)
        for partition, records in batches.items():
            if self._registry is not None:
                values = [record.value for record in records]
                await asyncio.to_thread(self._registry.learn_all, partition.topic, values)
            self._take_in(partition.topic, records)
        for partition in self._partitions:
            # Beyond the last record there may be markers of transactions: the position passes them.
            self._positions[partition] = await self._consumer.position(partition)
        async with self._moved:
            self._moved.notify_all()

    def _take_in(self, topic: str, records: Iterable[Any]) -> None:
        gone = []
        self._db.execute("BEGIN")
        for record in records:
            try:
                customer = record.key.decode()
                if topic == MEMBERSHIPS:
                    self._memberships(customer, record.value)
                elif topic == IDENTITIES:
                    self._customers.link(customer, record.value, record.timestamp)
                else:
                    self._customers.profile(topic, customer, record.value, record.timestamp)
                if record.value is None and topic != IDENTITIES and not self.knows(customer):
                    gone.append(customer)
            except (schemas.DecodeError, UnicodeDecodeError, AttributeError) as error:
                # The workers refuse it too: it is no membership of theirs, and no profile.
                log.warning("%s-%d@%d can't be read: %s", topic, record.partition, record.offset, error)
        self._db.execute("COMMIT")
        for customer in gone:
            for tell in self.forgotten:
                tell(customer)

    def _memberships(self, customer: str, value: bytes | None) -> None:
        """The memberships of a record, in place of those before."""
        self._db.execute("DELETE FROM member WHERE customer = ?", (customer,))
        if value is None:
            self._db.execute("DELETE FROM known WHERE customer = ?", (customer,))
            return
        found = schemas.decode(SEGMENT_MEMBERSHIPS, value)
        self._db.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (customer, found["sequence"]))
        self._db.executemany(
            "INSERT INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(customer, each) for each in found["segments"] if self._wanted(each["segment"])],
        )

    def knows(self, customer: str) -> bool:
        """Whether the customer has a membership record: not if they were erased or forgotten."""
        return self._db.execute("SELECT 1 FROM known WHERE customer = ?", (customer,)).fetchone() is not None

    def membership(self, key: tuple[str, str, str | None]) -> Membership | None:
        """The membership of a customer in a segment, for a value, as it is."""
        row = self._db.execute(
            "SELECT episode, entered_at, arm FROM member WHERE customer = ? AND segment = ? AND value = ?",
            (key[0], key[1], _value(key[2])),
        ).fetchone()
        return None if row is None else Membership(*row)

    def sequence(self, customer: str) -> int:
        """The latest sequence of a customer; 0 of one without a membership record."""
        row = self._db.execute("SELECT sequence FROM known WHERE customer = ?", (customer,)).fetchone()
        return 0 if row is None else int(row[0])

    def consents(self, customer: str) -> frozenset[str]:
        """What the customer agrees to now, by the profiles of all their ids."""
        return self._customers.consents(customer)

    def is_erased(self, flip: Flip) -> bool:
        """Whether the customer was erased after a flip, as far as is known: by its instant, or since Kafka has it."""
        erased = self._customers.erased_at(flip.customer)
        return erased is not None and min(flip.timestamp, flip.event["occurred_at"]) <= erased

    def members(self) -> Iterator[dict[str, Any]]:
        """Each membership, in order of customer, segment and value: with the fields that a flip has of it."""
        after: tuple[str, str, str] = ("", "", "")
        while page := self._page(after):
            after = page[-1][:3]
            for row in page:
                found = dict(zip(MEMBER, row, strict=True))
                yield found | {
                    "value": row[2][1:] if row[2] else None,
                    "details": json.loads(found["details"]),
                }

    def _page(self, after: tuple[str, str, str]) -> list[tuple[Any, ...]]:
        """The memberships after one: the view may change between two pages."""
        return self._db.execute(
            "SELECT customer, segment, value, episode, entered_at, arm, version, valid_until, details FROM member "
            "WHERE (customer, segment, value) > (?, ?, ?) ORDER BY customer, segment, value LIMIT ?",
            (*after, AT_ONCE),
        ).fetchall()


def _row(customer: str, entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        *(customer, entry["segment"], _value(entry.get("value")), entry["episode"], entry["entered_at"]),
        *(entry.get("arm"), entry["segment_version"], entry["valid_until"]),
        json.dumps(entry.get("details") or {}),
    )


def _value(value: str | None) -> str:
    """A value as it stands in the table: a null equals no other there."""
    return "" if value is None else f"={value}"
