"""`python -m tests.simulation --seeds 2000` plays so many schedules; the first that goes wrong is told, with its command.

One seed again, step by step: `python -m tests.simulation --seed 7`. Workers with bugs: `python -m tests.simulation --bugs`.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import click

from tests.chaos.bugs import BUGS as OF_WORKERS
from tests.simulation.aims import OF_OUTCOMES
from tests.simulation.schedule import Schedule
from tests.simulation.verdict import committed, judge

BUGS = {**OF_WORKERS, **OF_OUTCOMES}
UNSEEN = {"reads_uncommitted"}
"""Bugs in a part that the simulation replaces: aiokafka's consumer. `make chaos` catches them."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a schedule."""

    seed: int
    found: list[str]
    flips: int
    struck: Counter[tuple[str, str]]
    transactions: int


def play(seed: int, repeats: float) -> Played:
    """Play one schedule and judge it."""
    schedule = Schedule(seed, repeats).play()
    kafka = schedule.kafka
    transactions = sum(each.count for each in kafka.transactions.values())
    return Played(
        seed, judge(schedule), len(committed(kafka, "segment-events")), schedule.struck, transactions
    )


def played(seeds: range, repeats: float, bug: str | None) -> Iterator[Played]:
    """Play schedules in their order, on all cores, with a bug in the worker if one is named."""
    begin = BUGS[bug] if bug else None
    with ProcessPoolExecutor(os.cpu_count(), initializer=begin) as pool:
        try:
            yield from pool.map(play, seeds, [repeats] * len(seeds), chunksize=1 if bug else 4)
        finally:
            pool.shutdown(cancel_futures=True)


@click.command()
@click.option("--seed", type=int, help="Only this one, told step by step.")
@click.option("--seeds", default=1_000, show_default=True, help="How many seeds.")
@click.option("--first", default=1, show_default=True, help="The first of them.")
@click.option("--bug", type=click.Choice([*BUGS]), help="Play them with a worker that has this bug.")
@click.option("--bugs", is_flag=True, help="Play them with each bug, until it is noticed.")
@click.option(
    "--repeats",
    default=0.0,
    help="How many requests to commit arrive twice, the second one much later: the hole in Kafka's protocol "
    "that KIP-890 closes, and only for clients that know of it. aiokafka doesn't.",
)
def program(seed: int | None, seeds: int, first: int, bug: str | None, bugs: bool, repeats: float) -> None:
    """Play schedules of faults over a Kafka in memory; the first that goes wrong ends it."""
    if seed is not None:
        sys.exit(_tell(seed, repeats, bug))
    chosen = range(first, first + seeds)
    sys.exit(_score(chosen, repeats) if bugs else _sweep(chosen, repeats, bug))


def _tell(seed: int, repeats: float, bug: str | None) -> bool:
    """One schedule with all that was done in it; returns whether it went wrong."""
    if bug is not None:
        BUGS[bug]()
    schedule = Schedule(seed, repeats).play()
    found = judge(schedule)
    told = ["live" if schedule.live else "preloaded", *schedule.done, f"log {schedule.kafka.digest()}"]
    click.echo("\n".join([*told, *(found or ["nothing wrong"])]))
    return bool(found)


def _sweep(seeds: range, repeats: float, bug: str | None) -> bool:
    began, flips, count, transactions = time.monotonic(), 0, 0, 0
    struck: Counter[tuple[str, str]] = Counter()
    for each in played(seeds, repeats, bug):
        count, flips, transactions = count + 1, flips + each.flips, transactions + each.transactions
        struck += each.struck
        if each.found:
            options = (f" --bug {bug}" if bug else "") + (f" --repeats {repeats}" if repeats else "")
            again = f"python -m tests.simulation --seed {each.seed}{options}"
            click.echo("\n".join([f"seed {each.seed} went wrong, again by: {again}", *each.found]))
            return True
    seconds = time.monotonic() - began
    for (deed, phase), times in sorted(struck.items()):
        click.echo(f"{deed:8}{phase:14}{times:8}")
    click.echo(
        f"{count} schedules in {seconds:.0f} s ({count / seconds * 60:.0f} a minute), {transactions} transactions, "
        f"{flips} flips: none lost, doubled or wrong"
    )
    return False


def _score(seeds: range, repeats: float) -> bool:
    """Each bug, and at which seed it was noticed; that seed must be clean without it."""
    names, caught = [name for name in OF_WORKERS if name not in UNSEEN], 0
    for name in names:
        hit = next((each for each in played(seeds, repeats, name) if each.found), None)
        said = "missed"
        if hit is not None:
            clean = not play(hit.seed, repeats).found
            caught += clean
            said = (
                f"seed {hit.seed}: {hit.found[0]:.70}"
                if clean
                else f"seed {hit.seed} is wrong without it, too"
            )
        click.echo(f"{name:26}{said}")
    click.echo(f"seeded bugs: {caught} of {len(names)} caught, in {len(seeds)} schedules each at most")
    return caught < len(names)


if __name__ == "__main__":
    program()
