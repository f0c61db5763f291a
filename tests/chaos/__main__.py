"""`python -m tests.chaos --seeds 20`: many runs of both regimes, then the seeded bugs; prints the tables.

One seed again: `python -m tests.chaos --seed 7 --regime live`. One bug: `python -m tests.chaos --bug fires_twice`.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from tests.chaos.cluster import Cluster
from tests.chaos.phases import PHASES
from tests.chaos.runs import EXPECTED, Plan, Report, live, preloaded
from tests.chaos.scenarios import SCENARIOS, caught
from tests.chaos.scene import folder_for

REGIMES = {"preloaded": preloaded, "live": live}


@click.command()
@click.option("--seeds", default=20, show_default=True, help="How many seeds.")
@click.option("--seed", type=int, help="Only this one.")
@click.option("--regime", type=click.Choice([*REGIMES]), help="Only this one.")
@click.option("--events", default=200_000, show_default=True, help="Events of a preloaded run.")
@click.option("--faults", default=40, show_default=True, help="Faults in a run.")
@click.option(
    "--rate",
    default=300.0,
    show_default=True,
    help="Events a second of a live run; a seed may have up to five times that.",
)
@click.option("--away", default=30.0, show_default=True, help="Seconds for which the broker is away.")
@click.option("--bugs/--no-bugs", default=True, help="Whether the seeded bugs are tried.")
@click.option("--bug", type=click.Choice([*SCENARIOS]), help="Only this bug.")
def program(
    seeds: int,
    seed: int | None,
    regime: str | None,
    events: int,
    faults: int,
    rate: float,
    away: float,
    bugs: bool,
    bug: str | None,
) -> None:
    """Many seeds of chaos."""
    say: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    reports: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="chaos-") as kept, Cluster(Path(kept)) as cluster:
        if bug is None:
            for number in [seed] if seed is not None else range(1, seeds + 1):
                for name in [regime] if regime else REGIMES:
                    plan = Plan(number, events=events, faults=faults, rate=rate * (1 + number % 5), away=away)
                    report = REGIMES[name](cluster, folder_for(Path(kept), f"{name}-{number}"), plan, say)
                    say(str(report))
                    reports.append(report)
            say(table(reports))
        missed = [
            name for name in chosen(bugs, bug) if not caught(cluster, folder_for(Path(kept), name), name, say)
        ]
        tried = len(chosen(bugs, bug))
        if tried:
            say(
                f"seeded bugs: {tried - len(missed)} of {tried} caught"
                + "".join(f"\n  missed: {name}" for name in missed)
            )
    sys.exit(
        bool(missed)
        or not all(report.good for report in reports)
        or bool(bug is None and seed is None and unhit(reports))
    )


def chosen(bugs: bool, bug: str | None) -> list[str]:
    """The bugs to try."""
    return [bug] if bug else [*SCENARIOS] if bugs else []


def table(reports: list[Report]) -> str:
    """Faults by kind and phase, and what they did."""
    hits = Counter((struck.kind, struck.phase) for report in reports for struck in report.struck)
    lines = [f"{'fault':16}" + "".join(f"{phase:>13}" for phase in (*PHASES, "all"))]
    for kind in sorted({kind for kind, _ in hits}):
        row = [hits[kind, phase] for phase in PHASES]
        lines.append(f"{kind:16}" + "".join(f"{count:13}" for count in (*row, sum(row))))
    lines += [
        f"{'regime':16}{'runs':>8}{'events':>12}{'flips':>12}{'transactions':>14}{'lost':>8}{'doubled':>8}{'wrong':>8}"
    ]
    for name in REGIMES:
        lines.append(_row(name, [report for report in reports if report.regime == name]))
    lines += [f"never hit: {each}" for each in unhit(reports)]
    return "\n".join(["", *lines, ""])


def _row(name: str, reports: list[Report]) -> str:
    sums: Iterable[int] = (
        sum(getattr(each, what) for each in reports) for what in ("events", "flips", "transactions")
    )
    events, flips, transactions = sums
    counts: Counter[str] = sum((each.verdict.counts for each in reports), Counter())
    found = "".join(f"{counts[kind]:8}" for kind in ("lost", "doubled", "wrong"))
    return f"{name:16}{len(reports):8}{events:12}{flips:12}{transactions:14}{found}"


def unhit(reports: list[Report]) -> list[str]:
    """The phases that no fault of a regime has hit."""
    missing = []
    for name, phases in EXPECTED.items():
        own = [report for report in reports if report.regime == name]
        hit = {struck.phase for report in own for struck in report.struck}
        missing += [f"{name}: {phase}" for phase in sorted(phases - hit) if own]
    return missing


if __name__ == "__main__":
    program()
