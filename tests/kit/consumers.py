"""Consumers by confluent-kafka, a client that is none of ours: what is committed, and how far groups are."""

import time

from confluent_kafka import Consumer, KafkaException, TopicPartition

PATIENCE = 240
"""Seconds that a broker may take to know its groups: one that a test killed reads their offsets first."""


def consumer_of(address: str, group: str, isolation: str = "read_committed") -> Consumer:
    """Make a consumer that commits nothing; librdkafka's complaints about a broker that is away are left out."""
    return Consumer(
        {
            "bootstrap.servers": address,
            "group.id": group,
            "isolation.level": isolation,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )


def committed(consumer: Consumer, asked: list[TopicPartition]) -> list[TopicPartition]:
    """Ask what a group has committed; a broker that has just started doesn't know its groups at once."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            return list(consumer.committed(asked, 10))
        except KafkaException:
            time.sleep(0.25)
    raise AssertionError("the broker doesn't tell what the group has committed")
