"""Reading what was put out, as a subscriber does: committed records only."""

from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, TopicPartition

from tests.benchmarks.rig import Site, reader_settings

Offsets = dict[int, int]
"""By partition."""


def ends(site: Site, topic: str) -> Offsets:
    """Where a topic ends now."""
    consumer = Consumer(reader_settings(site.address))
    try:
        return {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1]
            for number in range(site.partitions)
        }
    finally:
        consumer.close()


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
