"""The past of the topics, with the links that `identities` holds followed."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import schemas
from segments.engine import IDENTITIES
from streams.errors import TopicsError
from streams.history.joined import Link, joined
from streams.history.reader import History
from streams.history.topics import topics_history
from streams.kafka.read_committed import assign, committed_reader, partitions_of, until
from streams.registry.registry import connect
from streams.settings.settings import Settings


@contextmanager
def linked_history(
    settings: Settings, since: int | None, until: int | None, topics: Sequence[str] | None = None
) -> Iterator[History]:
    """The input topics as `topics_history` reads them, for as long as the block runs; linked ids are one customer."""
    links = links_in_topic(settings, until)
    with topics_history(settings, since, until, topics=topics) as history:
        yield joined(history, links)


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
