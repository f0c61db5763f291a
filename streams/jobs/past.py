"""The history of a partition, read beside its work: what its rules would have remembered.

Record batches are fetched as the broker has them, and unpacked and decoded by the engine, as a worker does it with what
comes live: so the history takes little of the interpreter, which the live events need.
"""

import asyncio
import threading
import time
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from kafka.admin import ConfigResource

from segments.engine import (
    BEFORE_ALL,
    Partition,
    Past,
)
from segments.language.catalogue import EVENT_TOPICS, FUTURE, is_source
from streams.clock import wall_clock
from streams.errors import BrokerAway
from streams.history.topics import MANY, Part, TopicsHistory, topics_history
from streams.kafka.closing import closed
from streams.kafka.connection import admin, connection
from streams.kafka.read_committed import SILENCE_SECONDS
from streams.registry.readable import READABLE
from streams.registry.registry import connect
from streams.settings.settings import Settings
from streams.transport.fetch import fetch_runs
from streams.transport.runs import Run
from streams.worker.past import AppliedHistory, Stopped

EVENTS = tuple(topic.name for topic in EVENT_TOPICS)
"""The topics of events; profiles are kept whole anyway."""

WAIT = 0.2
"""Seconds for which a fetch is waited for, before it is looked whether the history is still wanted."""


class Reading:
    """Reads histories, one partition of a worker after the other: each is held in memory as long as it is used."""

    def __init__(self, settings: Settings) -> None:
        """Read nothing yet."""
        self._settings = settings
        self.turn = asyncio.Lock()
        """Held by the partition whose history is read or used."""

    def read(self, partition: Partition, stopped: threading.Event) -> AppliedHistory:
        """Live through the history before the filling of a partition; raises Stopped, BrokerAway, TopicsError."""
        filling, asked = partition.filling, partition.filled_by
        assert filling is not None  # noqa: S101 - it is filled
        assert asked is not None  # noqa: S101 - it is filled
        assert asked.rules is not None  # noqa: S101 - it is filled
        since = filling.since(asked.rules.data.retention)
        number = partition.number
        past = Past(number, partition.count, asked.rules, partition.settings)
        wanted = max(since, self._erasures_known_since(past.inputs))
        part = Part(number, filling.offsets)
        with topics_history(self._settings, wanted, None, part, past.inputs) as history:
            try:
                asyncio.run(_Fetched(self._settings, history, number, past).read(stopped))
            except KafkaError as error:
                raise BrokerAway(self._settings.brokers, error) from error
            found = {topic: history.complete_from(topic, number) for topic in EVENTS}
        complete = {
            topic: BEFORE_ALL if instant is None or instant <= since else instant
            for topic, instant in found.items()
        }
        return AppliedHistory(past, complete, history.length)

    def _erasures_known_since(self, inputs: Iterable[str]) -> int:
        """What came in before may be of somebody whose erasure a profile source has forgotten since."""
        resources = [ConfigResource("TOPIC", topic) for topic in inputs if is_source(topic)]
        with admin(self._settings) as client:
            found = client.describe_configs(resources, config_filter="all")["topic"].values()
        return wall_clock() - min(int(each["delete.retention.ms"]["value"]) for each in found) + FUTURE


class _Fetched:
    """The history of one partition on its way into its past; in an event loop of its own."""

    def __init__(self, settings: Settings, history: TopicsHistory, number: int, past: Past) -> None:
        self._settings, self._history, self._number, self._past = settings, history, number, past
        self._registry = connect(settings)
        self._at, self._ends = history.bounds(number)

    async def read(self, stopped: threading.Event) -> None:
        """All of it; raises Stopped once nobody waits for it any more."""
        self._past.begin(self._number, self._at, self._ends)
        consumer = AIOKafkaConsumer(
            **connection(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
        )
        places = [TopicPartition(topic, self._number) for topic in self._past.inputs]
        consumer.assign(places)
        await consumer.start()
        try:
            for each in places:
                consumer.seek(each, self._at[each.topic])
            await self._read(consumer, places, stopped)
        finally:
            await closed(consumer.stop())

    async def _read(
        self, consumer: AIOKafkaConsumer, places: list[TopicPartition], stopped: threading.Event
    ) -> None:
        heard = time.monotonic()
        while left := [each for each in places if self._at[each.topic] < self._ends[each.topic]]:
            if stopped.is_set():
                raise Stopped
            # A topic that is far ahead of the others waits: what was fetched of it is kept, and no more is fetched.
            wanted = {each for each in left if self._past.buffered(each.topic) < MANY}
            runs, _ = await fetch_runs(consumer, wanted, WAIT, raw=self._past.inputs)
            for run in runs:
                self._take(run)
                heard = time.monotonic()
            self._past.work()
            if time.monotonic() - heard > SILENCE_SECONDS:
                raise BrokerAway(self._settings.brokers, f"nothing came for {SILENCE_SECONDS:.0f} seconds")

    def _take(self, run: Run) -> None:
        """Give a run to the past, without what comes after the end."""
        topic, records = run.topic, run.records
        if len(records) and records.first_timestamp is not None:
            self._history.begins(topic, self._number, records.first_timestamp)
        if self._registry is not None:
            numbers = (b"\0" + number.to_bytes(4, "big") for _, number in records.ids())
            self._registry.learn_all(topic, numbers)
        run.stop_at(self._ends[topic])
        self._at[topic] = run.end
        self._past.offer_fetched(topic, records, READABLE)
