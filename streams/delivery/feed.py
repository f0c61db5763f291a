"""What a destination is fed with: the segment events, read by a consumer group of its own."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from kafka import TopicPartition as Named
from kafka.errors import KafkaError as NamedError

import schemas
from streams.delivery.channel import Channel
from streams.delivery.config import Destination
from streams.delivery.flip import Flip, Place
from streams.delivery.lanes import Positions
from streams.delivery.ledger import Ledger
from streams.delivery.letters import LETTERS, event_in, flip_of, segment_of, sent_again
from streams.errors import BrokerAway, StreamsError
from streams.kafka.closing import closed
from streams.kafka.connection import admin
from streams.registry.registry import Registry
from streams.settings.settings import Settings

log = logging.getLogger(__name__)

EVENTS = "segment-events"
COMMIT_EVERY = 1.0
"""Seconds: what was settled in them is looked at again after a kill, and most of it recognised."""
COMMIT_AGAIN = 3_600.0
"""Seconds after which positions are committed though they did not move, or Kafka would forget them in a week."""
POLL_MILLISECONDS = 250
FEW = 500
"""Records read at a time."""


def group_of(settings: Settings, destination: str) -> str:
    """The consumer group of a destination."""
    return f"{settings.group}-deliver-{destination}"


class Feed:
    """Reads for one channel, as far as it has room, and commits what is settled."""

    def __init__(
        self,
        to: Destination,
        settings: Settings,
        client: Mapping[str, Any],
        ledger: Ledger,
        registry: Registry | None,
    ) -> None:
        self._to = to
        self._settings = settings
        self._ledger = ledger
        self._registry = registry
        # A segment may have been taken out of the file since.
        self._left = {each for each in ledger.segments() if not to.wants(each)}
        self._group = group_of(settings, to.name)
        self._positions = Positions()
        self._committed: dict[tuple[str, int], int] = {}
        self._consumer = AIOKafkaConsumer(
            **client,
            group_id=self._group,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )

    async def start(self, count: int, *, take_over: bool = False) -> None:
        """Take all `count` partitions, from where the group is.

        StreamsError if another file than this ledger goes with that position.
        """
        await self._consumer.start()
        partitions = [TopicPartition(topic, number) for topic in (EVENTS, LETTERS) for number in range(count)]
        noted = await self._where(partitions)
        others = {note for _, note in noted.values() if note} - {self._ledger.id}
        if others and not take_over:
            raise StreamsError(
                f"{self._to.name}: the group {self._group} is served with another file ({', '.join(sorted(others))}), "
                "which knows who was sent what: move deliver/ of its SEGMENTS_DATA_DIR here; or, if it is lost, "
                "say --take-over: exits of enters that it knew are not sent then (--reconcile repairs that)"
            )
        self._consumer.assign(partitions)
        ends = await self._consumer.end_offsets(partitions)
        self._ledger.begin_anew({each.partition: end for each, end in ends.items() if each.topic == EVENTS})
        begins = await self._consumer.beginning_offsets(partitions)
        for each in partitions:
            new = ends[each] if each.topic == LETTERS or self._to.start == "now" else begins[each]
            offset = noted[each][0] if each in noted else new
            self._consumer.seek(each, offset)
            self._positions.passed(Place(each.topic, each.partition, offset - 1))
        self._ledger.drop_attempts(self._positions.all())
        await self._commit()

    async def _where(self, partitions: list[TopicPartition]) -> dict[TopicPartition, tuple[int, str]]:
        """What the group has committed; of a new group a broker needs a moment to say so."""
        while True:
            try:
                return await asyncio.to_thread(self._noted, partitions)
            except (NamedError, BrokerAway) as error:
                if isinstance(error, NamedError) and not error.retriable:
                    raise
                log.debug("%s: Kafka does not tell positions yet: %r", self._to.name, error)
                await asyncio.sleep(COMMIT_EVERY)

    def _noted(self, partitions: list[TopicPartition]) -> dict[TopicPartition, tuple[int, str]]:
        """What the group has committed, each with the id of the file that it goes with."""
        asked = [Named(*each) for each in partitions]
        with admin(self._settings) as client:
            found = client.list_group_offsets({self._group: asked})[self._group]
        return {
            TopicPartition(*each): (note.offset, note.metadata or "")
            for each, note in found.items()
            if note.offset >= 0
        }

    async def stop(self) -> None:
        """Commit what is settled, and stop reading."""
        try:
            await self._commit()
        except (KafkaError, TimeoutError) as error:
            log.warning("%s: not committed, so looked at again: %r", self._to.name, error)
        await closed(self._consumer.stop())

    def settled(self, flip: Flip) -> None:
        """A flip is done with."""
        self._positions.settled(flip.source)

    async def run(self, channel: Channel) -> None:
        """Read for ever."""
        loop = asyncio.get_running_loop()
        committed = again = loop.time()
        while True:
            if room := channel.lanes.room:
                batches = await self._consumer.getmany(
                    timeout_ms=POLL_MILLISECONDS, max_records=min(FEW, room)
                )
                for records in batches.values():
                    await self._take_in(records, channel)
            else:
                channel.changed.clear()
                await asyncio.wait(
                    {asyncio.ensure_future(channel.changed.wait())}, timeout=POLL_MILLISECONDS / 1000
                )
            if loop.time() - committed >= COMMIT_EVERY:
                committed = loop.time()
                if committed - again >= COMMIT_AGAIN:
                    again, self._committed = committed, {}
                await self._commit()

    async def _take_in(self, records: list[Any], channel: Channel) -> None:
        if self._registry is not None:
            values = [event_in(record) for record in records]
            await asyncio.to_thread(self._registry.learn_all, EVENTS, values)
        for record in records:
            place = Place(record.topic, record.partition, record.offset)
            flip = self._flip(record)
            if flip is None or not self._concerns(flip):
                self._positions.passed(place)
            else:
                self._positions.came(place)
                channel.add(flip)

    def _concerns(self, flip: Flip) -> bool:
        """Whether it is to be delivered: of a segment that was taken out of the file the exits of what was sent."""
        if self._to.wants(flip.segment):
            return True
        return flip.segment in self._left and not flip.enters and self._ledger.sent(flip.key) is not None

    def _flip(self, record: Any) -> Flip | None:
        try:
            if record.topic == LETTERS:
                return sent_again(record, self._to.name)
            named = segment_of(record.headers)
            heard = named is None or self._to.wants(named) or named in self._left
            return flip_of(record) if heard else None
        except (schemas.DecodeError, KeyError, ValueError, TypeError) as error:
            # No worker of ours wrote it. It cannot be delivered; the log names it.
            log.error("%s-%d@%d is no flip: %s", record.topic, record.partition, record.offset, error)  # noqa: TRY400
            return None

    async def _commit(self) -> None:
        """Commit what moved, with the id of the file that knows what was sent."""
        moved = {place: at for place, at in self._positions.all().items() if self._committed.get(place) != at}
        if moved:
            await self._consumer.commit(
                {
                    TopicPartition(*place): OffsetAndMetadata(at, self._ledger.id)
                    for place, at in moved.items()
                }
            )
            self._committed |= moved
