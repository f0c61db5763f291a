"""One run of one worker, for those who change it: how fast, and where its time goes.

    python -m tests.benchmarks.worker --events 300000

The same run as in `make bench ONLY=throughput`, once and without comparing the output. Prints Markdown.
"""

import argparse
import tempfile
import time
from pathlib import Path

from streams.telemetry.metrics import STAGES
from tests.benchmarks.load import Load
from tests.benchmarks.report import table
from tests.benchmarks.results import command
from tests.benchmarks.rig import Site, keep_off_the_first_core
from tests.benchmarks.running import RunningWorker
from tests.benchmarks.throughput import stages_of


def main() -> None:
    """Produce the load, start a worker on it, and tell."""
    arguments = _arguments()
    keep_off_the_first_core()
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), arguments.partitions) as site:
        site.produce(Load(arguments.events, arguments.customers).records(int(time.time() * 1000)))
        settings = {"CLOCK": "event", "STORE": arguments.store}
        if arguments.rules:
            settings["RULES"] = arguments.rules
        place = Path(folder) / "worker"
        with RunningWorker(site, "segments", place, **settings) as worker:
            with site.inputs("segments") as reached:
                pace = worker.pace(reached, site.produced, arguments.timeout)
            stages = stages_of(worker.metrics(), pace.done)
    print(f"{command()}: {arguments.events} events, {arguments.customers} customers, {arguments.store}\n")
    cells = [f"{pace.rate:,.0f}", *(f"{each:.1f}" for each in (pace.cpu, pace.broker))]
    head = ("events/s", "CPU s for a million events", "the broker's", *STAGES)
    print(table(head, [(*cells, *(f"{stages[stage]:.1f}" for stage in STAGES))]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--store", choices=("memory", "rocksdb"), default="memory")
    parser.add_argument("--rules", help="a folder of rules; default: tests/benchmarks/rules/twelve")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds")
    return parser.parse_args()


if __name__ == "__main__":
    main()
