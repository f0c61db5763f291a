"""`make bench`: how fast, how late, how large, ours and others; figures with the command that made them.

    make bench                          # all parts, small
    make bench ONLY=latency             # one part, or several by comma
    make bench ARGS="--full"            # the standard load: 2 million records, five rounds; hours

What is measured has the first core to itself; broker, generators and consumers have the others. Each part replaces its own
figures in the folder of results; the table and the charts are then made anew.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

from deploy.dev import docs
from tests.benchmarks import (
    by_time,
    console,
    deploy,
    latency,
    many_rules,
    peers,
    recovery,
    report,
    results,
    throughput,
)
from tests.benchmarks.goals import MILLION
from tests.benchmarks.rig import PINNED, keep_off_the_first_core, load_average
from tests.benchmarks.sizes import FULL, TINY, Plan, Sizes

PARTS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "throughput": throughput.measure,
    "million": lambda plan: throughput.measure(replace(plan, sizes=replace(plan.sizes, customers=MILLION))),
    "peers": peers.measure,
    "latency": latency.measure,
    "timers": by_time.measure,
    "recovery": recovery.measure_recovery,
    "memory": recovery.measure_memory,
    "rules": many_rules.measure,
    "console": console.measure,
    "deploy": deploy.measure,
}


def main() -> None:
    """Measure the parts that were asked for, and write what came out."""
    # So that being told to end still ends the broker and whoever is measured.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    arguments = _arguments()
    sizes = _sizes(arguments)
    keep_off_the_first_core()
    if not PINNED:
        print("one core, or no taskset: nothing is pinned, and the figures mean little")
    for part in arguments.only or PARTS:
        _measure(part, sizes, arguments.results)
    report.write(arguments.results)
    if arguments.results == results.FOLDER:
        docs.write()
    print(f"written to {arguments.results}")


def _measure(part: str, sizes: Sizes, folder: Path) -> None:
    at = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    print(f"{part}: {at}, load average {load_average()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="segments-benchmark-") as work:
        measured = PARTS[part](Plan(sizes, Path(work)))
    results.add(folder, part, measured, results.circumstances(results.command(), at))


def _arguments() -> argparse.Namespace:
    text = __doc__ or ""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=text,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_parts, metavar="PART,…", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--full", action="store_true", help="the standard load")
    parser.add_argument(
        "--tiny", action="store_true", help="to see whether it runs; the figures mean nothing"
    )
    parser.add_argument("--results", type=Path, default=results.FOLDER, help="where to write")
    for each in fields(Sizes):
        default = each.default if each.default is not MISSING else None
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        parser.add_argument(
            f"--{each.name.replace('_', '-')}", metavar="N", help=f"{each.metadata['help']} ({shown})"
        )
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(PARTS):
        raise argparse.ArgumentTypeError(
            f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}"
        )
    return chosen


def _sizes(arguments: argparse.Namespace) -> Sizes:
    sizes = FULL if arguments.full else TINY if arguments.tiny else Sizes()
    given = {}
    for each in fields(Sizes):
        text = getattr(arguments, each.name)
        if text is not None:
            given[each.name] = _like(getattr(sizes, each.name), text)
    return replace(sizes, **given)


def _like(example: Any, text: str) -> Any:
    """A text as a value of the kind of an example."""
    if isinstance(example, tuple):
        return tuple(_like(example[0], each) for each in text.split(",") if each)
    return type(example)(text)


if __name__ == "__main__":
    sys.exit(main())
