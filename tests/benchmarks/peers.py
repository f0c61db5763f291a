"""The one-counter rule on our worker and on other engines: one run, the same topics, the same customers.

Each event is decoded whole, a counter of its customer is kept, and the third event is an enter. The others
count; ours keeps its window, recognises duplicates, orders three topics and gives reasons as well.
"""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import schemas
from streams.kafka.topics import Topic
from tests.benchmarks import outputs
from tests.benchmarks.environments import HERE, JOBS, job
from tests.benchmarks.load import Load, Sent
from tests.benchmarks.rig import Site, load_average, on_the_first_core
from tests.benchmarks.running import RunningWorker
from tests.benchmarks.sizes import Plan
from tests.benchmarks.watch import Died, Pace, pace, summary, watch

RULE = HERE / "rules" / "one_counter"
PARTITIONS = 4
BOUND = 3
SETTLE = 2.0
"""Seconds."""
NOTE_THEMSELVES, NOTED = ("bytewax", "bare"), 2_000
"""Who commits nothing to Kafka, or too seldom, and notes in a file how many events it has had."""
GUARANTEES = {
    "segments": "exactly once, a transaction for a partition and a tenth of a second, two seconds if far behind",
    "faust": "at least once; a table in memory with a changelog",
    "quix": "exactly once, commits each second",
    "bytewax": "exactly once in the state (snapshots each second), at least once in the output",
    "flink-1": "exactly once, RocksDB, checkpoints each second; one slot, one core",
    "flink-2": "the same with two slots on two cores, which it shares with the broker",
    "bare": "none: fetch and decode, no state, no output",
}
TIMERS = {
    "segments": "yes, exact, in the same transactions",
    "faust": "can't: timers are the worker's, not the customer's",
    "quix": "can't: no timers; a window closes when an event comes",
    "bytewax": "one a customer by the wall clock, after a restart only from the last snapshot",
    "flink-1": "yes: keyed timers are in the checkpoint",
    "flink-2": "yes: keyed timers are in the checkpoint",
    "bare": "can't",
}


def measure(plan: Plan) -> dict[str, Any]:
    """Let each engine work off the same log, in interleaved rounds."""
    sizes = plan.sizes
    site = Site(plan.folder / "peers", PARTITIONS)
    load = Load(
        sizes.events, sizes.customers, days=7.0, seed=sizes.seed, late=0, duplicate=0, broken=0, clicks=1
    )
    found: dict[str, list[Pace]] = {each: [] for each in sizes.peers}
    notes: dict[str, str] = {}
    with site:
        expected = _produce(site, load)
        before = load_average()
        for number in range(sizes.rounds):
            for engine in (each for each in sizes.peers if each not in notes):
                try:
                    found[engine].append(_run(plan, site, engine, number, expected))
                except (Died, RuntimeError, subprocess.CalledProcessError, OSError) as error:
                    notes[engine] = f"failed: {error}"
                _say(engine, found[engine], notes.get(engine))
    rows = [_row(engine, found[engine], notes.get(engine, "")) for engine in sizes.peers]
    return {
        "rows": rows,
        "load": [before, load_average()],
        "customers": len(expected),
        "events": sizes.events,
    }


def _say(engine: str, paces: list[Pace], note: str | None) -> None:
    print(f"  {engine}: {note or f'{paces[-1].rate:,.0f} events/s'}", flush=True)


def _row(engine: str, paces: list[Pace], note: str) -> dict[str, Any]:
    told = {"engine": engine, "guarantee": GUARANTEES[engine], "timers": TIMERS[engine], "note": note}
    return told | (summary(paces) if paces else {})


def _produce(site: Site, load: Load) -> Counter[bytes]:
    """The log; returns the events of each customer."""
    counts: Counter[bytes] = Counter()

    def counted() -> Iterator[Sent]:
        for record in load.records(int(time.time() * 1000) - 60_000):
            counts[record[1]] += 1
            yield record

    site.produce(counted())
    return counts


def _run(plan: Plan, site: Site, engine: str, number: int, expected: Counter[bytes]) -> Pace:
    group = f"{engine}-{number}"
    folder = plan.folder / group
    cap = plan.sizes.cap
    if engine == "segments":
        begin = outputs.ends(site, "segment-events")
        settings = {"CLOCK": "event", "RULES": str(RULE)}
        with RunningWorker(site, group, folder, **settings) as worker, site.inputs(group) as reached:
            result = worker.pace(reached, site.produced, cap)
        _verify(site, "segment-events", begin, expected, result.finished)
        return result
    output = f"flips-{group}"
    site.create([Topic(output, "delete", "out")])
    result = _run_peer(plan, site, engine, group, output)
    if engine != "bare":
        _verify(site, output, {}, expected, result.finished and engine != "bytewax")
    return result


def _run_peer(plan: Plan, site: Site, engine: str, group: str, output: str) -> Pace:
    folder = plan.folder / group
    prepared = job(engine, site.address, group, output, folder / "state")
    environment = os.environ | {
        "BENCHMARK_BROKERS": site.address,
        "BENCHMARK_GROUP": group,
        "BENCHMARK_STATE": str(folder / "state"),
        "BENCHMARK_OUTPUT": output,
        "BENCHMARK_PARTITIONS": str(site.partitions),
        "BENCHMARK_PROGRESS": str(folder / "progress"),
    }
    environment.pop("PYTHONPATH", None)
    for command in prepared.prepare:
        subprocess.run(command, cwd=JOBS, env=environment, check=True)
    command = on_the_first_core(prepared.command, both=engine == "flink-2")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=JOBS, env=environment, stdout=log, stderr=log)
    try:
        with site.inputs(group) as committed:
            reached = _noted(folder / "progress") if engine in NOTE_THEMSELVES else committed
            result = pace(watch(site, process, reached, _end(site, engine), plan.sizes.cap), site.produced)
        # What the sink still holds, and the transaction that belongs to the last offsets.
        time.sleep(SETTLE)
    except Died as error:
        tail = (folder / "log").read_text(errors="replace").splitlines()[-3:]
        raise Died(f"{error}: {' / '.join(tail)}") from error
    finally:
        process.kill()
        process.wait()
    return result


def _end(site: Site, engine: str) -> int:
    """Where the log ends: who notes each 2,000th event never notes the last ones."""
    return site.produced // NOTED * NOTED if engine in NOTE_THEMSELVES else site.produced


def _noted(file: Path) -> Callable[[], int]:
    """How far a job says that it has come."""

    def reached() -> int:
        lines = file.read_text().splitlines() if file.exists() else []
        return int(lines[-1].split()[1]) if lines else 0

    return reached


def _verify(site: Site, topic: str, begin: dict[int, int], events: Counter[bytes], finished: bool) -> None:
    """Each customer with three events has entered, once; nobody else has. Keys may be in the value alone."""
    entered: Counter[str] = Counter()
    for message in outputs.committed(site, topic, begin):
        value = message.value()
        if topic == "segment-events":
            entered[schemas.decode(schemas.SEGMENT_EVENT, value)["customer_id"]] += 1
        else:
            entered[json.loads(value)["customer_id"]] += 1
    expected = {key.decode() for key, count in events.items() if count >= BOUND}
    unexpected = [each for each in entered if each not in expected]
    twice = sum(count > 1 for count in entered.values())
    missing = len(expected) - len(entered) if finished else 0
    if unexpected or twice or missing:
        raise Died(f"wrong output: {len(unexpected)} unexpected, {twice} twice, {missing} missing")
