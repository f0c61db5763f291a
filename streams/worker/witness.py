"""Detects inputs that were deleted and made again, by topic ids kept beside the states in the changelog.

The offsets of the group are no place for that: Kafka deletes them together with the topic.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import TopicPartition

from segments.engine import OLDER
from streams.kafka.topic_notes import adopted_id
from streams.store.stores import PartitionStore
from streams.transport.errors import Replaced
from streams.transport.topic_ids import TopicIds

KEY = b"\xff/topics" + OLDER
"""The key of the record with the ids. No customer has it, since it is not UTF-8; the engine skips keys that end so."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The ids of the topics that a partition reads since its take-over."""

    source: TopicIds | None
    """Asks the brokers for ids; None: ids are not compared."""
    ids: dict[str, str]
    adopted: frozenset[str] = frozenset()
    """The topics that the group was told to read from their beginning."""
    kept: dict[str, str] | None = None
    """The ids of the record; None: there is no record."""

    def record(self) -> dict[bytes, bytes | None]:
        """The record to write, None if it is up to date."""
        return {} if self.ids == (self.kept or {}) else {KEY: json.dumps(self.ids).encode()}

    async def look(self) -> None:
        """Raise Replaced if a topic was deleted and made again."""
        if self.source is not None:
            _compare(self.ids, await self.source.now())


UNSEEN = Witness(None, {})
"""Where nobody looks at ids."""


async def witness(
    source: TopicIds | None, store: PartitionStore, inputs: Iterable[TopicPartition]
) -> Witness:
    """Find out which topics these are, and compare them with those that were read before.

    Raises:
        Replaced: a topic has another id than the one that was read, and was not adopted.

    """
    if source is None:
        return UNSEEN
    data = store.get(KEY)
    kept: dict[str, str] | None = None if data is None else json.loads(data)
    places = list(inputs)
    read = {place.topic for place in places}
    # A profile source that was taken out may be another topic by now: nothing of it is read.
    before = {topic: each for topic, each in (kept or {}).items() if topic in read}
    ids = {topic: each for topic, each in (await source.now()).items() if topic in read}
    notes = {place.topic: adopted_id(note) for place, note in (await source.committed(places)).items()}
    adopted = frozenset(topic for topic, each in notes.items() if each is not None and ids.get(topic) == each)
    _compare({topic: each for topic, each in before.items() if topic not in adopted}, ids)
    # A topic that is gone for the moment is still the one that was read.
    return Witness(source, before | ids, adopted, kept)


def _compare(before: dict[str, str], now: dict[str, str]) -> None:
    """Raise Replaced if an id differs. A topic that is missing does not count: it is waited for."""
    changed = {topic: (was, now[topic]) for topic, was in before.items() if now.get(topic, was) != was}
    if changed:
        raise Replaced(changed)
