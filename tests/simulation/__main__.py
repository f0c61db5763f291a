"""`python -m tests.simulation --seeds 2000` plays so many schedules; the first that goes wrong is told, with its command.

One seed again, step by step: `python -m tests.simulation --seed 7`. Workers with bugs: `python -m tests.simulation --bugs`.

`--kind linked` has logins in the traffic, `--kind deployed` deployments.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import click

from tests.chaos.bugs import BUGS as OF_WORKERS
from tests.simulation.aims import OF_OUTCOMES
from tests.simulation.deployed import OF_DEPLOYMENTS, DeployedSchedule
from tests.simulation.linked import BUGS as OF_LINKS
from tests.simulation.linked import LinkedSchedule, judge_linked
from tests.simulation.schedule import Schedule
from tests.simulation.verdict import committed, judge

KINDS: dict[str, tuple[type[Schedule], Callable[..., list[str]]]] = {
    "plain": (Schedule, judge),
    "linked": (LinkedSchedule, judge_linked),
    "deployed": (DeployedSchedule, judge),
}
"""Schedules by what is in their traffic, each with its judge."""
UNSEEN = {"reads_uncommitted"}
"""Bugs in a part that the simulation replaces: aiokafka's consumer. `make chaos` catches them."""
BUGS: dict[str, dict[str, Callable[[], None]]] = {
    "plain": {name: bug for name, bug in {**OF_WORKERS, **OF_OUTCOMES}.items() if name not in UNSEEN},
    "linked": OF_LINKS,
    "deployed": OF_DEPLOYMENTS,
}
"""By the kind of the schedules in which they show."""
SHOWN_AT = {
    "newest_after_restart": 1, "borders_of_the_old_plan": 17, "take_over_flips_twice": 14, "filled_from_nothing": 63,
    "state_sent_and_not_forgotten": 2, "redirect_lost_on_restart": 2, "circle_that_runs_for_ever": 9,
    "read_before_fencing": 18, "position_before_outputs": 3, "fires_twice": 3, "due_list_not_rebuilt": 6,
    "unknown_is_failure": 22, "fenced_goes_on": 15, "unconfirmed_is_caught_up": 23, "deletions_not_restored": 6,
    "matured_twice": 6, "watch_lost": 4, "arm_changes": 4, "late_goal_counted": 4,
}  # fmt: skip
"""A seed in which a bug shows, if not in the first: it is tried first, then the others, if the worker takes other steps since."""


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a schedule."""

    seed: int
    found: list[str]
    flips: int
    struck: Counter[tuple[str, str]]
    transactions: int


def made(kind: str, seed: int, repeats: float) -> Schedule:
    """A schedule, not played yet."""
    schedule = KINDS[kind][0](seed)
    schedule.network.repeats = repeats
    return schedule


def play(kind: str, seed: int, repeats: float) -> Played:
    """Play one schedule and judge it."""
    schedule = made(kind, seed, repeats).play()
    kafka = schedule.kafka
    transactions = sum(each.count for each in kafka.transactions.values())
    flips = len(committed(kafka, "segment-events"))
    return Played(seed, KINDS[kind][1](schedule), flips, schedule.struck, transactions)


def played(kind: str, seeds: Sequence[int], repeats: float, bug: str | None) -> Iterator[Played]:
    """Play schedules in their order, on all cores, with a bug in the worker if one is named."""
    begin, chunk = (BUGS[kind][bug], 1) if bug else (None, 4)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(seeds)), initializer=begin) as pool:
        try:
            yield from pool.map(partial(play, kind, repeats=repeats), seeds, chunksize=chunk)
        finally:
            pool.shutdown(cancel_futures=True)


@click.command()
@click.option(
    "--kind", default="plain", show_default=True, type=click.Choice([*KINDS]), help="What is in the traffic."
)
@click.option("--seed", type=int, help="Only this one, told step by step.")
@click.option("--seeds", default=1_000, show_default=True, help="How many seeds.")
@click.option("--first", default=1, show_default=True, help="The first of them.")
@click.option("--bug", help="Play them with a worker that has this bug.")
@click.option("--bugs", is_flag=True, help="Play them with each bug of this kind, until it is noticed.")
@click.option(
    "--repeats",
    default=0.0,
    help="How many requests to commit arrive twice, the second one much later: the hole in Kafka's protocol "
    "that KIP-890 closes, and only for clients that know of it. aiokafka doesn't.",
)
def program(
    kind: str, seed: int | None, seeds: int, first: int, bug: str | None, bugs: bool, repeats: float
) -> None:
    """Play schedules of faults over a Kafka in memory; the first that goes wrong ends it."""
    if bug is not None and bug not in BUGS[kind]:
        raise click.BadParameter(f"{bug}: of {kind} schedules there are {', '.join(BUGS[kind])}")
    if seed is not None:
        sys.exit(_tell(kind, seed, repeats, bug))
    chosen = range(first, first + seeds)
    sys.exit(_score(kind, chosen, repeats) if bugs else _sweep(kind, chosen, repeats, bug))


def _tell(kind: str, seed: int, repeats: float, bug: str | None) -> bool:
    """One schedule with all that was done in it; returns whether it went wrong."""
    if bug is not None:
        BUGS[kind][bug]()
    schedule = made(kind, seed, repeats).play()
    found = KINDS[kind][1](schedule)
    told = ["live" if schedule.live else "preloaded", *schedule.done, f"log {schedule.kafka.digest()}"]
    click.echo("\n".join([*told, *(found or ["nothing wrong"])]))
    return bool(found)


def _sweep(kind: str, seeds: range, repeats: float, bug: str | None) -> bool:
    began, flips, count, transactions = time.monotonic(), 0, 0, 0
    struck: Counter[tuple[str, str]] = Counter()
    for each in played(kind, seeds, repeats, bug):
        count, flips, transactions = count + 1, flips + each.flips, transactions + each.transactions
        struck += each.struck
        if each.found:
            options = (f" --bug {bug}" if bug else "") + (f" --repeats {repeats}" if repeats else "")
            again = f"python -m tests.simulation --kind {kind} --seed {each.seed}{options}"
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


def _score(kind: str, seeds: range, repeats: float) -> bool:
    """Each bug, and at which seed it was noticed; that seed must be clean without it."""
    names, caught = [*BUGS[kind]], 0
    for name in names:
        hit = _shown(kind, name, seeds, repeats)
        said = "missed"
        if hit is not None:
            clean = not play(kind, hit.seed, repeats).found
            caught += clean
            said = (
                f"seed {hit.seed}: {hit.found[0]:.70}"
                if clean
                else f"seed {hit.seed} is wrong without it, too"
            )
        click.echo(f"{name:30}{said}")
    click.echo(f"seeded bugs: {caught} of {len(names)} caught, in {len(seeds)} schedules each at most")
    return caught < len(names)


def _shown(kind: str, bug: str, seeds: Sequence[int], repeats: float) -> Played | None:
    """The first schedule in which a bug is noticed: by what comes out, not by an error that it raises."""
    first = [SHOWN_AT[bug]] if bug in SHOWN_AT else []
    for tried in filter(None, (first, seeds)):
        for each in played(kind, tried, repeats, bug):
            if each.found and not any("Traceback" in line for line in each.found):
                return each
    return None


if __name__ == "__main__":
    program()
