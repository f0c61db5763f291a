"""Rule sets that go live while events come: a rule that is added, and one that is filled with its past first.

Two workers have both cores; the broker, the sender and the reader share the second one with them. The command is
measured from the start of its process to the last flip of the take-over, as a read-committed consumer gets it. A live
event is measured from the instant at which it was meant to be sent to the receipt of its flip.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.environments import HERE
from tests.benchmarks.latency import Listener, Received, ahead, lateness_of, percentiles, start_sender
from tests.benchmarks.load import HOUR
from tests.benchmarks.recovery import rounds
from tests.benchmarks.rig import Site, load_average
from tests.benchmarks.running import SEGMENTS, TWELVE, RunningWorker, environment
from tests.benchmarks.sizes import Plan

PARTITIONS = 4
GROUP = "deploy"
DAYS = 20
"""Over which the history is spread."""
YESTERDAY = 26 * HOUR
"""Milliseconds by which the history ends before now: nobody is in `seen` then, and each live view may flip."""
MOVED = "99"
"""Per cent of customers who may flip: they are counted, as by default, and nothing is held back."""
CAP = 900.0
"""Seconds in which the history must be worked off."""
WARM = 5.0
"""Seconds of live events before the command."""
COOL = 5.0
"""And after the time in which the rule is expected to be in effect."""
TAKES = 10.0
"""Seconds in which a rule that is added is expected to be in effect: five times the goal."""
FILLS = 90.0
"""The same of one with a backfill: one and a half times the goal."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Live events while a command runs."""

    first: int
    """The number of the first event."""
    start: float
    """When it was meant to be sent, in seconds since 1970."""
    rate: int

    def meant(self, number: int) -> float:
        """When an event was meant to be sent."""
        return self.start + (number - self.first) / self.rate


def measure(plan: Plan) -> dict[str, Any]:
    """A rule is added, then another one with `--backfill`, to the same group of two workers."""
    before = load_average()
    site = Site(plan.folder / "deploy", PARTITIONS)
    base = _rules(plan.folder / "base", [*TWELVE.glob("*.py"), HERE / "rules" / "by_time" / "seen.py"])
    spender, browser = (HERE / "rules" / "deploy" / f"{name}.py" for name in ("spender", "browser"))
    added = _rules(plan.folder / "added", [*base.glob("*.py"), spender])
    filled = _rules(plan.folder / "filled", [*added.glob("*.py"), browser])
    sizes = plan.sizes
    with site, ExitStack() as running:
        each = max(1, sizes.deploy_events // sizes.customers)
        until = int(time.time() * 1000) - YESTERDAY
        site.produce(rounds(each, sizes.customers, until, DAYS * 24.0))
        workers = [
            running.enter_context(RunningWorker(site, GROUP, plan.folder / name, both=True, RULES=str(base)))
            for name in ("one", "other")
        ]
        for worker in workers:
            worker.wait_until_ready()
        with site.inputs(GROUP) as reached:
            workers[0].work_off(reached, site.produced, CAP)
        rows = [
            _deployed(plan, site, added, "spender", 0, TAKES),
            _deployed(plan, site, filled, "browser", 1, FILLS, "--backfill"),
        ]
    return {
        "added": rows[0],
        "filled": rows[1],
        "rate": sizes.deploy_rate,
        "customers": sizes.customers,
        "events": each * sizes.customers,
        "load": [before, load_average()],
    }


def _rules(folder: Path, files: Iterable[Path]) -> Path:
    folder.mkdir(parents=True)
    for file in files:
        shutil.copy(file, folder)
    return folder


def _deployed(
    plan: Plan, site: Site, rules: Path, name: str, turn: int, expected: float, *options: str
) -> dict[str, Any]:
    """Deploy these rules while events come; `name` is the one that is new."""
    rate, customers = plan.sizes.deploy_rate, plan.sizes.customers
    count = int((WARM + expected + COOL) * rate)
    traffic = Traffic((turn + 1) * 1_000_000_000, time.time() + ahead(count), rate)
    listener = Listener(site)
    more = ("--first", str(traffic.first), "--customers", str(customers))
    sender = start_sender(site, "even", traffic.start, rate, count, *more)
    call = [SEGMENTS, "deploy", "--rules", str(rules), "--yes", "--json", "--max-moved", MOVED, *options]
    with ThreadPoolExecutor(1) as beside:
        given = environment(site, GROUP, plan.folder)
        command = beside.submit(_called, call, given, traffic.start + WARM)
        received = listener.until(lambda: sender.poll() is not None and command.done(), quiet=2.0, cap=CAP)
    listener.close()
    row = _told(received, name, traffic, command.result())
    print(f"  {name}: in effect after {row['seconds']} s, live p99 {row['live']['p99']} ms", flush=True)
    return row | {"sender": lateness_of(sender)}


@dataclass(frozen=True, slots=True)
class Called:
    """A command that ended: when it began and ended, in seconds since 1970, and the JSON that it printed."""

    began: float
    ended: float
    said: dict[str, Any]


def _called(call: Sequence[str], environment: Mapping[str, str], at: float) -> Called:
    """Run a command at an instant."""
    time.sleep(max(0.0, at - time.time()))
    began = time.time()
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"segments deploy ended with {done.returncode}: {done.stderr}")
    return Called(began, time.time(), json.loads(done.stdout))


def _told(received: Sequence[Received], name: str, traffic: Traffic, command: Called) -> dict[str, Any]:
    flips = [at for at, event in received if event["segment"] == name and event["reason"] == "rule_added"]
    effect = max(flips, default=command.ended)
    live = [
        (meant, (at - meant) * 1000)
        for at, event in received
        if event["segment"] == "seen"
        and event["cause"] is not None
        and (number := int(event["cause"]["event_id"], 16)) >= traffic.first
        and (meant := traffic.meant(number))
    ]
    end = max(effect, command.ended)
    return {
        "seconds": round(effect - command.began, 2),
        "command": round(command.ended - command.began, 2),
        "flips": len(flips),
        "told": command.said["flips"].get(name, {}).get("enters", 0),
        "before": percentiles(took for meant, took in live if traffic.start + 1 < meant < command.began - 1),
        "live": percentiles(took for meant, took in live if command.began <= meant <= end),
        "live_flips": sum(command.began <= meant <= end for meant, _ in live),
    }
