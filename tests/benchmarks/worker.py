"""How fast one worker is, Kafka to Kafka with all guarantees on, and where its time goes.

    python -m tests.benchmarks.worker --events 300000

The worker is pinned to one core; broker and generator have the other. The rate is committed offsets over wall time
between 20 % and 90 % of the log. Prints Markdown.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from importlib.metadata import version
from pathlib import Path

from confluent_kafka import Producer
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.broker import Broker
from tests.benchmarks.load import Load

SEGMENTS = str(Path(sys.executable).with_name("segments"))
STAGES = ("fetch", "decode", "offer", "advance", "confirm", "encode", "changelog", "commit")


def main() -> None:
    """Produce the load, start a worker on it, and tell."""
    arguments = _arguments()
    load = Load(arguments.events, arguments.customers)
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(Path(folder) / "broker", report=lambda _: None)
        broker.start()
        try:
            _pin(broker.pid, 1)
            _produce(broker.address, load, arguments.partitions, folder)
            _tell(load, arguments, *_measure(broker.address, arguments, folder))
        finally:
            broker.stop()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--store", choices=("memory", "rocksdb"), default="memory")
    parser.add_argument("--rules", help="a folder or file of rules; default: the twelve shipped")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds")
    return parser.parse_args()


def _pin(pid: int | None, core: int) -> None:
    if pid is not None and len(os.sched_getaffinity(0)) > core:
        os.sched_setaffinity(pid, {core})


def _environment(address: str, folder: str, **more: str) -> dict[str, str]:
    settings = {"BROKERS": address, "DATA_DIR": folder, "CLOCK": "event", "HTTP_PORT": "0", **more}
    return os.environ | {f"SEGMENTS_{name}": value for name, value in settings.items()}


def _produce(address: str, load: Load, partitions: int, folder: str) -> None:
    command = [SEGMENTS, "topics", "create", "--partitions", str(partitions)]
    subprocess.run(command, env=_environment(address, folder), check=True, capture_output=True)
    producer = Producer(
        {
            "bootstrap.servers": address,
            "partitioner": "murmur2_random",
            "linger.ms": 50,
            "enable.idempotence": True,
        }
    )
    for topic, key, value in load.records(int(time.time() * 1000)):
        while True:
            try:
                producer.produce(topic, value, key)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


def _measure(
    address: str, arguments: argparse.Namespace, folder: str
) -> tuple[float, dict[str, float], float]:
    """Events a second, seconds by stage, and the CPU seconds of the worker."""
    more = {"STORE": arguments.store} | ({"RULES": arguments.rules} if arguments.rules else {})
    with (Path(folder) / "worker.log").open("wb") as log:
        worker = subprocess.Popen([SEGMENTS, "worker"], env=_environment(address, folder, **more), stderr=log)
    _pin(worker.pid, 0)
    try:
        reached = _watch(address, arguments)
        cpu = _cpu(worker.pid)
        return _rate(reached, arguments.events), _stages(Path(folder) / "worker.log"), cpu
    finally:
        worker.terminate()
        worker.wait(30)


def _watch(address: str, arguments: argparse.Namespace) -> list[tuple[float, int]]:
    """Committed offsets, summed, over time, until all is committed."""
    admin = KafkaAdminClient(bootstrap_servers=address)
    reached: list[tuple[float, int]] = []
    deadline = time.monotonic() + arguments.timeout
    while not reached or reached[-1][1] < arguments.events:
        if time.monotonic() > deadline:
            raise SystemExit(f"not done within {arguments.timeout} s: {reached[-1:]}")
        try:
            offsets = admin.list_group_offsets(["segments"]).get("segments", {})
        except KafkaError:
            offsets = {}
        reached.append((time.monotonic(), sum(max(0, each.offset) for each in offsets.values())))
        time.sleep(0.05)
    admin.close()
    return reached


def _rate(reached: list[tuple[float, int]], events: int) -> float:
    inner = [(at, count) for at, count in reached if 0.2 * events <= count <= 0.9 * events]
    (start, first), (end, last) = inner[0], inner[-1]
    return (last - first) / (end - start)


def _stages(log: Path) -> dict[str, float]:
    line = next(each for each in log.read_text().splitlines() if "/metrics" in each)
    url = next(word for word in line.split() if word.startswith("http"))
    with urllib.request.urlopen(url) as response:
        text = response.read().decode()
    found = {}
    for each in text.splitlines():
        for stage in STAGES:
            if each.startswith(f'segments_stage_seconds_total{{stage="{stage}"}}'):
                found[stage] = float(each.split()[-1])
    return found


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _tell(
    load: Load, arguments: argparse.Namespace, rate: float, stages: dict[str, float], cpu: float
) -> None:
    print(f"python -m tests.benchmarks.worker {' '.join(sys.argv[1:])}")
    print(
        f"{load.events} events, {load.customers} customers, {arguments.partitions} partitions, {arguments.store}; "
    )
    print(f"Python {platform.python_version()}, segments {version('segments')}, {os.cpu_count()} cores\n")
    print(f"| events/s | CPU s for a million events | {' | '.join(f'{stage} s' for stage in stages)} |")
    print(f"|{'---|' * (2 + len(stages))}")
    cells = [
        f"{rate:,.0f}",
        f"{cpu / load.events * 1e6:.1f}",
        *(f"{seconds:.1f}" for seconds in stages.values()),
    ]
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
