"""Whether a partition's inputs are the topics that it has read: by their ids, kept beside its states in the changelog.

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
"""Of the record with the ids. No customer's, since it is not UTF-8; the engine passes over keys that end so."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The topics that a partition reads since its take-over."""

    source: TopicIds | None
    """Where ids come from; None: they are not looked at."""
    ids: dict[str, str]
    adopted: frozenset[str] = frozenset()
    """The topics of which the group was told to read them from their beginnings."""
    kept: dict[str, str] | None = None
    """What the record says; None: there is none."""

    def record(self) -> dict[bytes, bytes | None]:
        """The record to be written, if it does not say this already."""
        return {} if self.ids == (self.kept or {}) else {KEY: json.dumps(self.ids).encode()}

    async def look(self) -> None:
        """Raise Replaced if a topic is another one by now."""
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
    ids = await source.now()
    notes = {place.topic: adopted_id(note) for place, note in (await source.committed(inputs)).items()}
    adopted = frozenset(topic for topic, each in notes.items() if each is not None and ids.get(topic) == each)
    _compare({topic: each for topic, each in (kept or {}).items() if topic not in adopted}, ids)
    # A topic that is gone for the moment is still the one that was read.
    return Witness(source, (kept or {}) | ids, adopted, kept)


def _compare(before: dict[str, str], now: dict[str, str]) -> None:
    """A topic that is gone is not another one: it is waited for."""
    changed = {topic: (was, now[topic]) for topic, was in before.items() if now.get(topic, was) != was}
    if changed:
        raise Replaced(changed)
