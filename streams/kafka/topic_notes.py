"""Tells a group to read a topic that was made again: a note beside its offsets names the topic by its id."""

import base64
from collections.abc import Iterable
from uuid import UUID

from kafka import OffsetAndMetadata, TopicPartition
from kafka.admin import KafkaAdminClient

from streams.errors import TopicsError
from streams.kafka.connection import admin
from streams.settings.settings import Settings

NOTE = "adopted "


def adopted_id(note: str) -> str | None:
    """The id of the topic that a note adopts; None if it adopts none."""
    return note.removeprefix(NOTE) if note.startswith(NOTE) else None


def adopt(settings: Settings, topics: Iterable[str]) -> dict[str, int]:
    """Have the group go on with these topics from their beginnings, keeping what it remembers.

    Returns the number of partitions of each. The group must have no members.

    Raises:
        TopicsError: a topic is missing, or Kafka refuses to change the offsets of the group.

    """
    with admin(settings) as client:
        found = _described(client, topics)
        if missing := sorted(set(topics) - found.keys()):
            raise TopicsError(f"{', '.join(missing)}: missing: create it with `segments topics create`")
        notes = {
            TopicPartition(name, number): OffsetAndMetadata(0, NOTE + topic_id, -1)
            for name, (topic_id, count) in found.items()
            for number in range(count)
        }
        outcomes = client.alter_group_offsets(settings.group, notes)
    refused = {place: error for place, error in outcomes.items() if getattr(error, "errno", 0)}
    if refused:
        lines = (f"{place.topic}-{place.partition}: {error.__name__}" for place, error in refused.items())
        raise TopicsError("\n".join(lines))
    return {name: count for name, (_, count) in found.items()}


def _described(client: KafkaAdminClient, names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """The id, as Kafka's tools print it, and the number of partitions of each topic that exists."""
    return {
        each["name"]: (
            base64.urlsafe_b64encode(UUID(str(each["topic_id"])).bytes).decode().rstrip("="),
            len(each["partitions"]),
        )
        for each in client.describe_topics(list(names))
        if each["error_code"] == 0
    }
