"""The history of a partition, read beside its work: what its rules would have remembered."""

import asyncio
import threading

from kafka.admin import ConfigResource

from segments.engine import (
    BEFORE_ALL,
    PROFILES,
    Partition,
    Past,
)
from segments.language.catalogue import EVENT_TOPICS
from streams.clock import wall_clock
from streams.history.files import FUTURE
from streams.history.topics import Part, topics_history
from streams.kafka.connection import admin
from streams.settings.settings import Settings
from streams.worker.past import Found, Stopped

EVENTS = tuple(topic.name for topic in EVENT_TOPICS)
"""The topics of events; profiles are kept whole anyway."""


class Reading:
    """Reads histories, one partition of a worker after the other: each is held in memory as long as it is used."""

    def __init__(self, settings: Settings) -> None:
        """Read nothing yet."""
        self._settings = settings
        self.turn = asyncio.Lock()
        """Held by the partition whose history is read or used."""

    def read(self, partition: Partition, stopped: threading.Event) -> Found:
        """Live through the history before the filling of a partition; raises Stopped, BrokerAway, TopicsError."""
        filling, asked = partition.filling, partition.filled_by
        assert filling is not None  # noqa: S101 - it is filled
        assert asked is not None  # noqa: S101 - it is filled
        assert asked.rules is not None  # noqa: S101 - it is filled
        since = filling.since(asked.rules.data.retention)
        past = Past(partition.number, partition.count, asked.rules, partition.settings)
        part = Part(partition.number, filling.offsets)

        def watch(_records: int) -> None:
            if stopped.is_set():
                raise Stopped

        with topics_history(self._settings, max(since, self._erasures_known_since()), None, part) as history:
            history.read(past, watch)
            found = {topic: history.complete_from(topic, partition.number) for topic in EVENTS}
        complete = {
            topic: BEFORE_ALL if instant is None or instant <= since else instant
            for topic, instant in found.items()
        }
        return Found(past, complete, history.length)

    def _erasures_known_since(self) -> int:
        """What came in before may be of somebody whose erasure `profiles` has forgotten since."""
        with admin(self._settings) as client:
            resource = ConfigResource("TOPIC", PROFILES)
            found = client.describe_configs([resource], config_filter="all")["topic"][PROFILES]
        return wall_clock() - int(found["delete.retention.ms"]["value"]) + FUTURE
