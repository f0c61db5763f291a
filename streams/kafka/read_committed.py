"""What a topic holds, committed records only, read without a consumer group."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

import schemas
from segments.language.catalogue import is_source
from streams.errors import BrokerAway, TopicsError
from streams.kafka.connection import BOOTSTRAP_MILLISECONDS, RETRY_MILLISECONDS, connection, require_broker
from streams.settings.settings import Settings

AT_ONCE = 5_000
"""Records taken from a consumer at a time."""
POLL_MILLISECONDS = 200
SILENCE_SECONDS = 60.0
DEAD_LETTERS = "dead-letters"
OURS = (*schemas.RECORD_OF_TOPIC, DEAD_LETTERS, "delivery-dead-letters")


@contextmanager
def committed_reader(settings: Settings, reset: str = "earliest") -> Iterator[KafkaConsumer]:
    """A consumer of committed records, for as long as the block runs.

    `reset`: where it goes on if what it was to read is deleted; "none": nowhere, that is an error.
    """
    require_broker(settings)
    try:
        consumer = KafkaConsumer(
            **connection(settings),
            group_id=None,
            enable_auto_commit=False,
            isolation_level="read_committed",
            auto_offset_reset=reset,
            allow_auto_create_topics=False,
            max_poll_records=AT_ONCE,
            bootstrap_timeout_ms=BOOTSTRAP_MILLISECONDS,
            retry_backoff_ms=RETRY_MILLISECONDS,
        )
    except (KafkaError, OSError) as error:
        raise BrokerAway(settings.brokers, "" if isinstance(error, KafkaTimeoutError) else error) from error
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False)


def partitions_of(consumer: KafkaConsumer, topic: str, wanted: tuple[int, ...] = ()) -> list[TopicPartition]:
    """The partitions of a topic, or those of them that are wanted; TopicsError if there are none such."""
    there = consumer.partitions_for_topic(topic)
    if not there:
        ours = topic in OURS or is_source(topic)
        mend = "`segments topics create` makes it" if ours else f"ours are {', '.join(OURS)}"
        raise TopicsError(f"there is no topic {topic}: {mend}")
    if missing := sorted(set(wanted) - set(there)):
        raise TopicsError(f"{topic} has no partition {missing[0]}: it has 0 to {max(there)}")
    return [TopicPartition(topic, number) for number in sorted(wanted or there)]


def assign(
    consumer: KafkaConsumer, partitions: list[TopicPartition], from_beginning: bool
) -> dict[TopicPartition, int]:
    """Assign the partitions; the ends of what is committed in them, as they are now."""
    consumer.assign(partitions)
    # Of a partition that was assigned before the client keeps its pause, which `until` left.
    consumer.resume(*partitions)
    ends: dict[TopicPartition, int] = consumer.end_offsets(partitions)
    begins = consumer.beginning_offsets(partitions) if from_beginning else ends
    for partition, offset in begins.items():
        consumer.seek(partition, offset)
    return ends


def forever(consumer: KafkaConsumer) -> Iterator[list[Any]]:
    """What comes, without end."""
    while True:
        yield from consumer.poll(timeout_ms=POLL_MILLISECONDS).values()


def until(
    consumer: KafkaConsumer, ends: dict[TopicPartition, int], settings: Settings
) -> Iterator[list[Any]]:
    """What is before these ends.

    The last offsets before an end may be those of transaction markers, which are no records: the consumer's
    position says when the end is reached, not the last record.
    """
    left = {partition for partition, end in ends.items() if consumer.position(partition) < end}
    heard = time.monotonic()
    while left:
        consumer.pause(*(consumer.assignment() - left))
        positions = {partition: consumer.position(partition) for partition in left}
        for partition, batch in consumer.poll(timeout_ms=POLL_MILLISECONDS).items():
            yield [record for record in batch if record.offset < ends[partition]]
        if any(consumer.position(partition) > at for partition, at in positions.items()):
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENCE_SECONDS:
            raise BrokerAway(settings.brokers, f"nothing came for {SILENCE_SECONDS:.0f} seconds")
        left = {partition for partition in left if consumer.position(partition) < ends[partition]}
