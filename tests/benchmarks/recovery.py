"""What remembering costs: memory and disk for each customer, and the time to read it all again."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks import outputs
from tests.benchmarks.load import HOUR, Load, Sent
from tests.benchmarks.rig import Site, load_average, resident
from tests.benchmarks.running import RunningWorker, total
from tests.benchmarks.sizes import Plan

PARTITIONS = 4
EVENTS = 30
"""Of each customer, within a day, when memory is measured."""
RECORDS = 3
"""Of each customer in the changelog, when recovery is."""
CAP = 900.0


def rounds(count: int, customers: int, until: int, hours: float) -> Iterator[Sent]:
    """Each customer once, then each again: so each round is a changelog record of each. No two come at equal distances."""
    chance, load = random.Random(3), Load()
    total_events = count * customers
    for number in range(total_events):
        at = until - int((total_events - number) * hours * HOUR / total_events)
        at -= int(chance.random() * hours * HOUR / count)
        yield load.one(chance, f"customer-{number % customers}", at, number)


def measure_recovery(plan: Plan) -> dict[str, Any]:
    """Process start to first applied record, the state directory wiped."""
    customers, before = plan.sizes.restored, load_average()
    site = Site(plan.folder / "recovery", PARTITIONS)
    with site:
        now = int(time.time() * 1000)
        site.produce(rounds(RECORDS, customers, now - 60_000, 20.0))
        _work_off(plan, site, "recovery", "before")
        begin = outputs.ends(site, "recovery-customers-changelog")
        one = list(rounds(1, 1, now, 1.0))
        first, ready = _restarted(plan, site, one)
    return {
        "customers": customers,
        "changelog": sum(begin.values()),
        "first": first,
        "ready": ready,
        "load": [before, load_average()],
    }


def _work_off(plan: Plan, site: Site, group: str, name: str) -> None:
    with (
        RunningWorker(site, group, plan.folder / name, CLOCK="event") as worker,
        site.inputs(group) as reached,
    ):
        worker.work_off(reached, site.produced, CAP)


def _restarted(plan: Plan, site: Site, records: list[Sent]) -> tuple[float, float]:
    """Seconds until the first record after a restart is committed, and until all partitions are served."""
    records = [(topic, key, _renamed(value)) for topic, key, value in records]
    with site.inputs("recovery") as reached:
        done = reached()
        site.produce(records)
        with RunningWorker(site, "recovery", plan.folder / "after", CLOCK="event") as worker:
            while reached() == done:
                if worker.process.poll() is not None:
                    raise RuntimeError(worker.log_tail())
                time.sleep(0.02)
            first = time.monotonic() - worker.started
            return round(first, 2), round(worker.wait_until_ready(), 2)


def _renamed(value: bytes) -> bytes:
    """The same event with another id: no duplicate."""
    return value.replace(b"0" * 24, b"f" * 24, 1)


def measure_memory(plan: Plan) -> dict[str, Any]:
    """(Resident with N customers less resident empty) / N: at work, after a restart, and on disk."""
    customers, before = plan.sizes.remembered, load_average()
    site = Site(plan.folder / "memory", PARTITIONS)
    found: dict[str, Any] = {"customers": customers, "events": EVENTS}
    with site, site.inputs("memory") as reached:
        with RunningWorker(site, "memory", plan.folder / "memory-worker", CLOCK="event") as worker:
            worker.wait_until_ready()
            empty = resident(worker.process.pid)
            site.produce(rounds(EVENTS, customers, int(time.time() * 1000) - 60_000, 20.0))
            worker.work_off(reached, site.produced, CAP)
            time.sleep(2)
            found["working"] = round((resident(worker.process.pid) - empty) / customers)
            metrics = worker.metrics()
            found["state"] = round(total(metrics, "segments_state_bytes") / customers)
        with RunningWorker(site, "memory", plan.folder / "memory-again", CLOCK="event") as worker:
            worker.wait_until_ready()
            time.sleep(1)
            found["restored"] = round((resident(worker.process.pid) - empty) / customers)
        found["empty"] = empty
        found["disk"] = round(_on_disk(plan, site) / customers)
    return found | {"load": [before, load_average()]}


def _on_disk(plan: Plan, site: Site) -> int:
    """Bytes of RocksDB's folders, restored from the changelog and closed."""
    folder = plan.folder / "memory-disk"
    with RunningWorker(site, "memory", folder, CLOCK="event", STORE="rocksdb") as worker:
        worker.wait_until_ready()
    return sum(_bytes(file) for file in folder.rglob("*") if file.suffix in (".sst", ".log") and _state(file))


def _state(file: Path) -> bool:
    return "state" in file.parts


def _bytes(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
