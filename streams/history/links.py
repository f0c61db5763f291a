"""The links that the topic `identities` holds."""

from collections.abc import Iterable, Iterator
from typing import Any

import schemas
from segments.engine import IDENTITIES
from streams.errors import TopicsError
from streams.history.joined import Link
from streams.kafka.read_committed import assign, committed_reader, partitions_of, until
from streams.registry.registry import connect
from streams.settings.settings import Settings


def links_in_topic(settings: Settings, last: int | None = None) -> list[Link]:
    """The links that the topic holds, up to an instant in milliseconds; none if there is no such topic."""
    with committed_reader(settings) as consumer:
        try:
            partitions = partitions_of(consumer, IDENTITIES)
        except TopicsError:
            return []  # Workers follow no links there either.
        registry, found = connect(settings), []
        for batch in until(consumer, assign(consumer, partitions, from_beginning=True), settings):
            if registry is not None:
                registry.learn_all(IDENTITIES, [record.value for record in batch])
            found += list(_decoded(batch))
    return [link for link in found if last is None or link["occurred_at"] <= last]


def _decoded(batch: Iterable[Any]) -> Iterator[Link]:
    for record in batch:
        if record.key is None or record.value is None:
            continue
        try:
            link: Link = schemas.decode(schemas.LINK, record.value)
        except schemas.DecodeError:
            continue
        if link["customer_id"].encode() == record.key:
            yield link
