"""Reading what was put out, as a subscriber does: committed records only."""

import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from tests.benchmarks.rig import Site, reader_settings

Offsets = dict[int, int]
"""By partition."""
QUIET = 2.0
PATIENCE = 20.0
"""Seconds."""


def ends(site: Site, topic: str) -> Offsets:
    """Where a topic ends now."""
    consumer = Consumer(reader_settings(site.address))
    try:
        return {number: _end(consumer, TopicPartition(topic, number)) for number in range(site.partitions)}
    finally:
        consumer.close()


def _end(consumer: Consumer, partition: TopicPartition) -> int:
    """Asked again while a broker that was just started does not lead the partition yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, timeout=10)[1])
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def wait_until_quiet(site: Site, topic: str, cap: float = 60.0) -> None:
    """Wait until nothing has come for a while: flips by time go on after the last record."""
    last, since = ends(site, topic), time.monotonic()
    deadline = since + cap
    while time.monotonic() < min(deadline, since + QUIET):
        time.sleep(0.2)
        if (now := ends(site, topic)) != last:
            last, since = now, time.monotonic()


def committed(site: Site, topic: str, begin: Offsets) -> Iterator[Message]:
    """The committed records of a topic from some offsets to where it ends now."""
    consumer = Consumer(reader_settings(site.address) | {"enable.partition.eof": True})
    numbers = range(site.partitions)
    consumer.assign([TopicPartition(topic, each, begin.get(each, OFFSET_BEGINNING)) for each in numbers])
    unread = set(numbers)
    try:
        while unread:
            for message in consumer.consume(1000, 1.0):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition())
                else:
                    raise RuntimeError(str(error))
    finally:
        consumer.close()
