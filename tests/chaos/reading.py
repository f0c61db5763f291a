"""Reading topics as committed: as JSON lines with `segments consume`, as any user would, and raw, by another client."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

import schemas
from segments.engine import IDENTITIES, INPUTS
from streams.kafka.topics import transfers
from tests.kit.consumers import committed, consumer_of

COMMAND = str(Path(sys.executable).with_name("segments"))
TRANSPORT = ("topic", "partition", "offset", "timestamp")
Line = dict[str, Any]


def command(*arguments: str, brokers: str = "127.0.0.1:1", stdin: bytes = b"", seconds: float = 300) -> bytes:
    """Run `segments` to its end and return what it prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTS_")}
    done = subprocess.run(
        [COMMAND, *arguments],
        input=stdin,
        env=clean | {"SEGMENTS_BROKERS": brokers},
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"segments {' '.join(arguments)}: {done.stderr.decode()[-2000:]}"
    return done.stdout


def consumed(brokers: str, topic: str) -> bytes:
    """A whole topic as JSON lines."""
    return command("consume", topic, "--from-beginning", "--until-end", brokers=brokers)


def by_customer(lines: bytes) -> dict[str, list[str]]:
    """Segment events by customer, each as the bytes of its line without `emitted_at` and where it stood."""
    found: dict[str, list[str]] = {}
    for text in lines.splitlines():
        line = json.loads(text)
        found.setdefault(line["customer_id"], []).append(bare(line))
    return found


def bare(line: Line) -> str:
    """A line without `emitted_at` and without where it stood in a topic."""
    kept = {name: value for name, value in line.items() if name not in (*TRANSPORT, "emitted_at")}
    return json.dumps(kept, ensure_ascii=False)


def read_by(group: str) -> tuple[str, ...]:
    """The topics of which a partition of a group reads on at its position."""
    return (*INPUTS, IDENTITIES, transfers(group).name)


@dataclass(frozen=True, slots=True)
class Raw:
    """A committed record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]


class Reader:
    """Reads committed records and offsets of one broker."""

    def __init__(self, address: str) -> None:
        self._address = address

    def all(self, topic: str) -> list[Raw]:
        """A whole topic, each partition in order."""
        found, ended, deadline = [], set(), time.monotonic() + 120
        with closing(consumer_of(self._address, "reader")) as consumer:
            numbers = self._partitions(consumer, topic)
            consumer.assign([TopicPartition(topic, number, 0) for number in numbers])
            while len(ended) < len(numbers):
                assert time.monotonic() < deadline, f"{topic} could not be read in two minutes"
                for message in consumer.consume(5000, 1):
                    if message.error():
                        ended.add(message.partition())
                    else:
                        found.append(_raw(message))
        return sorted(found, key=lambda each: (each.partition, each.offset))

    def ends(self, topics: tuple[str, ...]) -> dict[tuple[str, int], int]:
        """The end offsets of topics."""
        with closing(consumer_of(self._address, "reader")) as consumer:
            asked = [
                TopicPartition(topic, number)
                for topic in topics
                for number in self._partitions(consumer, topic)
            ]
            return {
                (each.topic, each.partition): consumer.get_watermark_offsets(each, 10)[1] for each in asked
            }

    def committed(self, group: str) -> Counter[tuple[str, int]]:
        """What a group has committed of the topics that it reads; 0 where nothing.

        Asked without waiting for the transactions under way: with one after the other there is always one.
        """
        with closing(consumer_of(self._address, group, "read_uncommitted")) as consumer:
            asked = [
                TopicPartition(topic, number)
                for topic in read_by(group)
                for number in self._partitions(consumer, topic)
            ]
            return Counter(
                {(each.topic, each.partition): max(0, each.offset) for each in committed(consumer, asked)}
            )

    def behind(self, group: str) -> int:
        """How many offsets of the topics that it reads a group has yet to commit."""
        committed = self.committed(group)
        return sum(end - committed[where] for where, end in self.ends(read_by(group)).items())

    def _partitions(self, consumer: Consumer, topic: str) -> list[int]:
        return sorted(consumer.list_topics(topic, 10).topics[topic].partitions)


def _raw(message: Any) -> Raw:
    return Raw(
        message.topic(), message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(),
        dict(message.headers() or ()),
    )  # fmt: skip


def memberships(reader: Reader) -> dict[str, list[dict[str, Any] | None]]:
    """Every record of memberships, by customer."""
    found: dict[str, list[dict[str, Any] | None]] = {}
    for raw in reader.all("segment-memberships"):
        assert raw.key is not None
        value = None if raw.value is None else schemas.decode(schemas.SEGMENT_MEMBERSHIPS, raw.value)
        found.setdefault(raw.key.decode(), []).append(value)
    return found
