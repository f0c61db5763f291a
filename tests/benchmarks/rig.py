"""What every measurement stands on: a broker of its own, the topics of schemas/README.md, a log, and who is pinned where.

The benchmark pins itself to the second core, and with it the broker and the generators that it starts; what is
measured gets the first core to itself.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from kafka.admin import KafkaAdminClient

from segments.engine import INPUTS
from streams.kafka.topics import Topic, make, topics
from streams.local.broker import Broker

Records = Iterable[tuple[str, bytes, bytes]]
"""Topic, key and value of each."""

CORES = sorted(os.sched_getaffinity(0))
PINNED = len(CORES) > 1 and shutil.which("taskset") is not None


def keep_off_the_first_core() -> None:
    """Leave the first core to what is measured; the broker inherits this."""
    if PINNED:
        os.sched_setaffinity(0, CORES[1:])


def on_the_first_core(command: Sequence[str], *, both: bool = False) -> list[str]:
    """A command that has the first core to itself, or all of them."""
    if not PINNED:
        return list(command)
    return ["taskset", "-c", ",".join(map(str, CORES if both else CORES[:1])), *command]


class Site:
    """A broker with the topics of schemas/README.md; it keeps its topics while it is stopped."""

    def __init__(self, folder: Path, partitions: int) -> None:
        self.folder = folder
        self.partitions = partitions
        self.produced = 0
        self._broker = Broker(folder / "broker", report=lambda _: None)
        self._fresh = True

    def __enter__(self) -> Self:
        self._broker.start()
        if self._fresh:
            self.create(topics("segments"))
            self._fresh = False
        return self

    def __exit__(self, *_: object) -> None:
        self._broker.stop()

    @property
    def address(self) -> str:
        """Where clients connect."""
        return self._broker.address

    @property
    def broker_cpu(self) -> float:
        """CPU seconds of the broker so far."""
        return cpu(self._broker.pid or 0)

    def on_disk(self, topic: str) -> int:
        """Bytes that a topic occupies at the broker, as it was written."""
        return sum(file.stat().st_size for file in self.folder.glob(f"broker/topics/{topic}-*/*.log"))

    def create(self, wanted: Iterable[Topic]) -> None:
        """Make topics."""
        with KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=20_000) as admin:
            make(admin, wanted, self.partitions, replication=1)

    def produce(self, records: Records) -> int:
        """Append records as any producer would; returns how many."""
        producer, before = Producer(producer_settings(self.address)), self.produced
        for topic, key, value in records:
            send(producer, topic, key, value)
            self.produced += 1
        producer.flush()
        return self.produced - before

    @contextmanager
    def inputs(self, group: str) -> Iterator["Progress"]:
        """What a group has committed of the input topics."""
        consumer = Consumer(reader_settings(self.address, group) | {"isolation.level": "read_uncommitted"})
        try:
            yield Progress(consumer, self.partitions)
        finally:
            consumer.close()


class Progress:
    """The committed offsets of a group, summed."""

    def __init__(self, consumer: Consumer, partitions: int) -> None:
        self._consumer = consumer
        self._asked = [TopicPartition(topic, number) for topic in INPUTS for number in range(partitions)]
        self._last = 0

    def __call__(self) -> int:
        """Ask the broker; while it has no answer, what it last said."""
        try:
            answers = self._consumer.committed(self._asked, timeout=10)
        except KafkaException:
            return self._last
        self._last = max(self._last, sum(max(0, each.offset) for each in answers))
        return self._last


def producer_settings(address: str) -> dict[str, object]:
    """Kafka's own partitioner, as schemas/README.md demands."""
    return {
        "bootstrap.servers": address,
        "partitioner": "murmur2_random",
        "linger.ms": 50,
        "enable.idempotence": True,
        "log_level": 3,
    }


def reader_settings(address: str, group: str = "benchmark") -> dict[str, object]:
    """A consumer that sees committed records only, from the start, and commits nothing."""
    return {
        "bootstrap.servers": address,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
    }


def send(producer: Producer, topic: str, key: bytes, value: bytes) -> None:
    """Hand a record to the producer, waiting while its queue is full."""
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:
            producer.poll(0.05)
        else:
            return


def cpu(pid: int) -> float:
    """CPU seconds of a process so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> int:
    """Bytes of memory that a process occupies."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def load_average() -> float:
    """Of the last minute."""
    return round(os.getloadavg()[0], 2)
