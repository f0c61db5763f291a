"""From the instant at which an event was meant to be sent to the receipt of its flip by a read-committed consumer."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from confluent_kafka import Consumer, TopicPartition

import schemas
from tests.benchmarks import outputs
from tests.benchmarks.rig import Site, cpu, load_average, reader_settings
from tests.benchmarks.running import RunningWorker
from tests.benchmarks.sender import seconds_to_make
from tests.benchmarks.sizes import Plan

PARTITIONS = 4
WARM_UP = 0.25
"""The share of a run that is left out at its beginning."""

Received = tuple[float, dict[str, Any]]
"""When, in seconds since 1970, and the segment event."""


def measure(plan: Plan) -> dict[str, Any]:
    """At each of the rates."""
    site = Site(plan.folder / "latency", PARTITIONS)
    rows, before = [], load_average()
    with site:
        for rate in plan.sizes.latency_rates:
            rows.append(_at(plan, site, rate, first=1_000_000_000 * len(rows)))
            print(f"  {rate:,} events/s: p50 {rows[-1]['p50']} ms, p99 {rows[-1]['p99']} ms", flush=True)
    return {"rows": rows, "load": [before, load_average()]}


def _at(plan: Plan, site: Site, rate: int, first: int) -> dict[str, Any]:
    count = rate * plan.sizes.seconds
    with RunningWorker(site, "latency", plan.folder / f"latency-{rate}") as worker:
        worker.wait_until_ready()
        listener = Listener(site)
        start = time.time() + ahead(count)
        cost = cpu(worker.process.pid)
        sender = start_sender(site, "standard", start, rate, count, "--first", str(first))
        received = listener.until(lambda: sender.poll() is not None, quiet=1.0)
        cost = cpu(worker.process.pid) - cost
        listener.close()
    delays = sorted(
        (at - (start + number / rate)) * 1000
        for at, event in received
        if event["cause"] is not None
        and (number := int(event["cause"]["event_id"], 16) - first) >= WARM_UP * count
    )
    return {
        "rate": rate,
        "flips": len(delays),
        "p50": percentile(delays, 50),
        "p99": percentile(delays, 99),
        "highest": percentile(delays, 100),
        "busy": round(cost / plan.sizes.seconds, 2),
        "sender": lateness_of(sender),
    }


def ahead(count: int) -> float:
    """Seconds that a sender is given to start and to make so many records."""
    return 3.0 + 1.5 * seconds_to_make(count)


def start_sender(
    site: Site, kind: str, start: float, rate: float, count: int, *more: str
) -> subprocess.Popen[bytes]:
    """A sender in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.sender", site.address, kind]
    options = ["--start", str(start), "--rate", str(rate), "--count", str(count), *more]
    return subprocess.Popen([*command, *options], stdout=subprocess.PIPE)


def lateness_of(sender: subprocess.Popen[bytes]) -> float:
    """Milliseconds by which a sender that has ended was late at worst."""
    said, _ = sender.communicate(timeout=60)
    return round(float(json.loads(said)["worst"]) * 1000, 1)


class Listener:
    """A read-committed consumer of segment events, from where they end now."""

    def __init__(self, site: Site) -> None:
        self._consumer = Consumer(reader_settings(site.address) | {"fetch.wait.max.ms": 100})
        begin = outputs.ends(site, "segment-events")
        self._consumer.assign(
            [TopicPartition("segment-events", number, offset) for number, offset in begin.items()]
        )
        self._received: list[tuple[float, bytes]] = []

    def until(self, over: Callable[[], bool], quiet: float = 0.0, cap: float = 600.0) -> list[Received]:
        """Note what comes until something is over and nothing has come for so many seconds since.

        It is decoded afterwards: the broker has this core meanwhile.
        """
        last = time.time()
        deadline = last + cap
        while time.time() < deadline and not (over() and time.time() - last > quiet):
            # Not consume(): it waits until it has as many as it was asked for.
            message = self._consumer.poll(0.02)
            if message is not None and message.error() is None:
                last = time.time()
                self._received.append((last, message.value()))
        return [(at, schemas.decode(schemas.SEGMENT_EVENT, value)) for at, value in self._received]

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()


def percentile(ordered: Sequence[float], per_cent: int) -> float | None:
    """Of values in ascending order, None if there are none."""
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, len(ordered) * per_cent // 100)], 1)


def percentiles(values: Iterable[float]) -> dict[str, float | None]:
    """The median and the 99th, and the highest."""
    ordered = sorted(values)
    return {
        "p50": percentile(ordered, 50),
        "p99": percentile(ordered, 99),
        "highest": percentile(ordered, 100),
    }
