"""`python -m tests.stock`: the same events and the same faults for stock Faust and for this worker, and what came of it."""

import itertools
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import click

from tests.chaos.cluster import Cluster
from tests.chaos.reading import Reader
from tests.chaos.traffic import Sender
from tests.stock.environment import python
from tests.stock.systems import PARTITIONS, Fleet, System
from tests.stock.traffic import Event, flips, history

QUIET, GENTLE, HARD = "no faults", "joins, leaves", "kills, joins, leaves"
DEEDS = {QUIET: (), GENTLE: ("join", "leave"), HARD: ("kill", "kill", "join", "leave")}
KINDS = ("lost", "doubled", "wrong")
MOST = 3
"""Workers at one time."""
PATIENCE = 60.0
"""Seconds after the last event in which all offsets must be committed."""


@dataclass(slots=True)
class Outcome:
    """What came of some runs."""

    events: int = 0
    faults: int = 0
    crashes: int = 0
    expected: int = 0
    found: Counter[str] = field(default_factory=Counter)

    def add(self, run: "Run", found: Counter[str], expected: int) -> None:
        """Add a run."""
        self.events += len(run.events)
        self.faults += run.faults
        self.crashes += run.fleet.crashes
        self.expected += expected
        self.found += found

    @property
    def so_far(self) -> str:
        """What was found until now."""
        counts = ", ".join(f"{kind} {self.found[kind]}" for kind in KINDS)
        return (
            f"{counts} of {self.expected}; {self.faults} faults, {self.crashes} workers ended by themselves"
        )

    def row(self, case: "Case") -> str:
        """A row of the table."""
        counts = (
            self.faults,
            self.crashes,
            self.events,
            self.expected,
            *(self.found[kind] for kind in KINDS),
        )
        cells = " | ".join(f"{count:,}" for count in counts)
        return f"| {case.system.name} | {'one' if case.one_topic else 'two'} | {case.regime} | {cells} |"


HEAD = """
| | topics | faults | how many | crashes | events | flips | lost | doubled | wrong |
|---|---|---|---:|---:|---:|---:|---:|---:|---:|
""".strip()


@dataclass(slots=True)
class Run:
    """One system, one seed, one regime."""

    cluster: Cluster
    fleet: Fleet
    events: list[Event]
    rate: float
    deeds: tuple[str, ...]
    chance: random.Random
    faults: int = 0

    def play(self) -> None:
        """Send while faults strike; then wait until all is committed."""
        sender, pause = Sender(self.cluster.direct), 1 / self.rate
        began, next_fault = time.monotonic(), 3.0
        for number, event in enumerate(self.events):
            sender.send(event.message(one_topic=self.fleet.one_topic))
            time.sleep(max(0.0, began + number * pause - time.monotonic()))
            if self.deeds and time.monotonic() - began > next_fault:
                self._strike()
                next_fault += self.chance.uniform(4.0, 8.0)
            if number % 100 == 0:
                self.fleet.revive()
        sender.flush()
        self._wait_until_done()

    def _strike(self) -> None:
        deed, fleet = self.chance.choice(self.deeds), self.fleet
        self.faults += 1
        victim = self.chance.randrange(len(fleet.running))
        if deed == "kill":
            fleet.kill(victim)
            fleet.start()
        elif (deed == "join" and len(fleet.running) < MOST) or len(fleet.running) == 1:
            fleet.start()
        else:
            fleet.leave(victim)

    def _wait_until_done(self) -> None:
        deadline = time.monotonic() + PATIENCE
        reader = Reader(self.cluster.direct)
        while reader.behind(self.fleet.group) > 0 and time.monotonic() < deadline:
            self.fleet.revive()
            time.sleep(0.5)
        # What is committed may still be on its way out: stock Faust does not wait for its outputs.
        time.sleep(3)
        while self.fleet.running:
            self.fleet.leave(0)


@dataclass(frozen=True, slots=True)
class Case:
    """What a row of the table is about."""

    system: System
    regime: str
    one_topic: bool

    @property
    def name(self) -> str:
        """For the group, which must be new in each run."""
        words = f"{self.system.guarantee or 'ours'}-{self.regime}-{'one' if self.one_topic else 'two'}"
        return words.replace(", ", "-").replace(" ", "-")


def play(
    cluster: Cluster, folder: Path, case: Case, seed: int, seconds: float, rate: float
) -> tuple[Run, Counter[str], int]:
    """Play a run; what was lost, doubled and wrong of how many flips."""
    group, system = f"{case.name}-{seed}", case.system
    cluster.fresh_topics(group, PARTITIONS)
    events = history(seed, int(seconds * rate), customers=300)
    fleet = Fleet(system, folder / group, group, cluster.direct, case.one_topic)
    run = Run(cluster, fleet, events, rate, DEEDS[case.regime], random.Random(f"faults {seed}"))
    try:
        fleet.start()
        fleet.start()
        time.sleep(10)
        run.play()
    finally:
        fleet.end()
    wanted = Counter(flips(events))
    came = Counter(map(system.flip, Reader(cluster.direct).all("segment-events")))
    return run, judge(wanted, came), wanted.total()


def judge(wanted: "Counter[tuple[str, str, int]]", came: "Counter[tuple[str, str, int]]") -> Counter[str]:
    """Lost: never came. Doubled: came again. Wrong: nobody ever flipped so."""
    return Counter(
        lost=sum(1 for flip in wanted if flip not in came),
        doubled=sum(count - 1 for flip, count in came.items() if flip in wanted),
        wrong=sum(count for flip, count in came.items() if flip not in wanted),
    )


@click.command()
@click.option("--seeds", default=1, show_default=True, help="Runs of each system in each regime.")
@click.option("--seconds", default=40.0, show_default=True, help="How long events come in each run.")
@click.option("--rate", default=150.0, show_default=True, help="Events a second.")
@click.option(
    "--regime",
    "regimes",
    type=click.Choice([*DEEDS]),
    multiple=True,
    default=[QUIET, HARD],
    help="Only these.",
)
@click.option("--system", "only", multiple=True, help="Only systems whose names contain this.")
def program(seeds: int, seconds: float, rate: float, regimes: Iterable[str], only: tuple[str, ...]) -> None:
    """Print the table."""
    stock = python()
    systems = [
        System("stock Faust, at_least_once", stock, "at_least_once"),
        System("stock Faust, exactly_once", stock, "exactly_once"),
        System("segments worker", Path(sys.executable)),
    ]
    systems = [each for each in systems if not only or any(word in each.name for word in only)]
    rows, ours = [], Counter[str]()
    with tempfile.TemporaryDirectory(prefix="stock-") as kept, Cluster(Path(kept)) as cluster:
        for one_topic, regime, system in itertools.product((True, False), regimes, systems):
            case, outcome = Case(system, regime, one_topic), Outcome()
            for seed in range(1, seeds + 1):
                outcome.add(*play(cluster, Path(kept), case, seed, seconds, rate))
                click.echo(f"{case.name}, seed {seed}: {outcome.so_far}", err=True)
            ours += Counter() if system.guarantee else outcome.found
            rows.append(outcome.row(case))
    click.echo("\n".join([HEAD, *rows]))
    sys.exit(bool(ours.total()))


if __name__ == "__main__":
    program()
