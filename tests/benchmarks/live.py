"""A worker on a broker of its own, events sent to it at a rate, and how long each takes until its flip can be read.

Read by another client, as committed: from the moment an event is handed to the producer until a subscriber has its flip.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition

import schemas
from streams.local.broker import Broker

SEGMENTS = str(Path(sys.executable).with_name("segments"))
PARTITIONS = 4
GROUP = "benchmark"
CLICK = {
    "session_id": None,
    "page": "/",
    "product_id": None,
    "category": None,
    "channel": "web",
    "attributes": {},
}


def click(name: str, customer: str, at: int, kind: str = "page_view") -> bytes:
    """A click, encoded."""
    event = CLICK | {"event_id": name, "customer_id": customer, "occurred_at": at, "kind": kind}
    return schemas.encode(schemas.CLICK, event)


def wall() -> int:
    """The wall clock, in milliseconds."""
    return int(time.time() * 1000)


class Station:
    """A broker with topics, and a worker with rules; `with Station(rules) as station`."""

    def __init__(self, rules: dict[str, str], **settings: str) -> None:
        self._kept = tempfile.TemporaryDirectory(prefix="benchmark-")
        self.folder = Path(self._kept.name)
        for name, text in rules.items():
            (self.folder / "rules").mkdir(exist_ok=True)
            (self.folder / "rules" / f"{name}.py").write_text(text)
        self._settings = {"RULES": str(self.folder / "rules"), "GROUP": GROUP, "HTTP_PORT": "0", **settings}
        self._broker = Broker(self.folder / "broker", report=lambda _: None)
        self.worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._broker.start()
        self.address = self._broker.address
        subprocess.run(
            [SEGMENTS, "topics", "create", "--partitions", str(PARTITIONS)],
            env=self._environment(), check=True, capture_output=True,
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._broker.kill()
        self._kept.cleanup()

    def _environment(self) -> dict[str, str]:
        own = {"BROKERS": self._broker.address, "DATA_DIR": str(self.folder), **self._settings}
        return os.environ | {f"SEGMENTS_{name}": value for name, value in own.items()}

    def start(self) -> None:
        """Start the worker."""
        with (self.folder / "worker.log").open("wb") as log:
            self.worker = subprocess.Popen(
                [SEGMENTS, "worker"], env=self._environment(), stdout=log, stderr=log
            )

    def stop(self) -> None:
        """Stop it gently."""
        if self.worker is not None:
            self.worker.terminate()
            self.worker.wait(60)
            self.worker = None

    def cpu(self) -> float:
        """The seconds of processor time that the worker has taken."""
        assert self.worker is not None
        fields = Path(f"/proc/{self.worker.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def producer(self) -> Producer:
        """One that puts customers where the worker expects them."""
        return Producer(
            {
                "bootstrap.servers": self.address, "partitioner": "murmur2_random", "linger.ms": 2,
                "queue.buffering.max.messages": 500_000, "enable.idempotence": True, "log_level": 0,
            }
        )  # fmt: skip

    def send_all(self, records: Iterable[tuple[str, bytes]]) -> int:
        """Send clicks, key and value, as fast as can be; returns how many."""
        producer, count = self.producer(), 0
        for customer, value in records:
            count += 1
            while True:
                with suppress(BufferError):
                    producer.produce("clickstream", value, customer.encode())
                    break
                producer.poll(0.1)
        producer.flush()
        return count

    def size(self, topic: str) -> int:
        """The sum of the end offsets of a topic."""
        consumer = self.consumer()
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topic, number), 10)[1]
            for number in range(PARTITIONS)
        ]
        consumer.close()
        return sum(ends)

    def consumer(self, group: str = "reader") -> Consumer:
        """One that reads as committed."""
        return Consumer(
            {
                "bootstrap.servers": self.address, "group.id": group, "isolation.level": "read_committed",
                "enable.auto.commit": False, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 5,
                "log_level": 0,
            }
        )  # fmt: skip

    def committed(self) -> int:
        """How many offsets of the clicks the worker has committed."""
        consumer = self.consumer(GROUP)
        asked = [TopicPartition("clickstream", number) for number in range(PARTITIONS)]
        found = 0
        with suppress(KafkaException):  # a broker that has just started doesn't know its groups at once
            found = sum(max(0, each.offset) for each in consumer.committed(asked, 10))
        consumer.close()
        return found

    def wait_until_committed(self, count: int, seconds: float) -> float:
        """Wait until so many are; returns how long that took."""
        began = time.monotonic()
        while self.committed() < count:
            if time.monotonic() - began > seconds:
                raise SystemExit(f"{self.committed()} of {count} were committed in {seconds:.0f} s")
            time.sleep(0.1)
        return time.monotonic() - began


LIVE = b"live-"


@dataclass
class Live:
    """Customers who come at a rate, each once, and enter a segment by it."""

    station: Station
    rate: float
    seen: Callable[[Message, float], None] = lambda _message, _at: None
    """Told of every other flip, and when it came."""
    sent: dict[bytes, float] = field(default_factory=dict)
    took: list[tuple[float, float]] = field(default_factory=list)
    """When an event was sent, and how long its flip took, in seconds."""
    _end: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._read)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self) -> None:
        producer, began, number = self.station.producer(), time.monotonic(), 0
        while not self._end.is_set():
            key = LIVE + b"%d" % number
            self.sent[key] = time.monotonic()
            producer.produce("clickstream", click(f"l{number}", key.decode(), wall()), key)
            producer.poll(0)
            number += 1
            time.sleep(max(0.0, began + number / self.rate - time.monotonic()))
        producer.flush(10)

    def _read(self) -> None:
        consumer = self.station.consumer()
        places = [TopicPartition("segment-events", number) for number in range(PARTITIONS)]
        consumer.assign([TopicPartition(each.topic, each.partition, 0) for each in places])
        while not self._end.is_set():
            messages = consumer.consume(2_000, 0.02)
            at = time.monotonic()
            for message in messages:
                self._note(message, at)
        consumer.close()

    def _note(self, message: Any, at: float) -> None:
        key = message.key()
        if key is None or not key.startswith(LIVE):
            self.seen(message, at)
        elif key in self.sent:
            self.took.append((self.sent[key], at - self.sent[key]))

    def between(self, start: float, end: float) -> list[float]:
        """How long those took, in order, that were sent between two instants."""
        return sorted(seconds for at, seconds in self.took if start <= at < end)

    def missing(self, start: float, end: float) -> int:
        """How many sent between two instants have not come."""
        return sum(start <= at < end for at in self.sent.values()) - len(self.between(start, end))


def quantiles(seconds: list[float]) -> str:
    """p50, p99 and the longest, in milliseconds, as cells of a table."""
    if not seconds:
        return "- | - | -"
    return " | ".join(
        f"{seconds[min(len(seconds) - 1, int(len(seconds) * each))] * 1000:,.0f}" for each in (0.5, 0.99, 1)
    )
