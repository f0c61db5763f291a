"""`python -m tests.chaos --seeds 20`: many runs, odd seeds preloaded, even ones live, then the seeded bugs; prints the tables.

Two seeds of each ten are long: 200,000 events, or five minutes. The others are short, so that more happens amid faults.

One seed again: `python -m tests.chaos --seed 7`. One bug: `python -m tests.chaos --bug fires_twice`.
"""

import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed

import click

from tests.chaos.jobs import REGIMES, is_caught, run
from tests.chaos.phases import PHASES
from tests.chaos.runs import EXPECTED, Plan, Report
from tests.chaos.scenarios import SCENARIOS


@click.command()
@click.option("--seeds", default=20, show_default=True, help="How many seeds.")
@click.option("--seed", type=int, help="Only this one.")
@click.option("--regime", type=click.Choice([*REGIMES]), help="The same for all seeds.")
@click.option("--events", default=200_000, show_default=True, help="Events of a long preloaded run.")
@click.option("--minutes", default=5.0, show_default=True, help="How long a long live run is, at least.")
@click.option("--faults", default=16, show_default=True, help="Faults in a run.")
@click.option(
    "--rate",
    default=100.0,
    show_default=True,
    help="Events a second of a live run; a seed may have up to five times that.",
)
@click.option(
    "--away", default=30.0, show_default=True, help="Seconds for which the broker is away in a long run."
)
@click.option("--bugs/--no-bugs", default=True, help="Whether the seeded bugs are tried.")
@click.option("--bug", type=click.Choice([*SCENARIOS]), help="Only this bug.")
@click.option("--jobs", default=os.cpu_count(), show_default=True, help="Runs side by side.")
def program(
    seeds: int,
    seed: int | None,
    regime: str | None,
    events: int,
    minutes: float,
    faults: int,
    rate: float,
    away: float,
    bugs: bool,
    bug: str | None,
    jobs: int,
) -> None:
    """Many seeds of chaos."""
    numbers = [] if bug else [seed] if seed is not None else range(1, seeds + 1)
    plans = [
        (regime or [*REGIMES][(number + 1) % 2], plan(number, events, minutes, faults, rate, away))
        for number in numbers
    ]
    tried = [bug] if bug else [*SCENARIOS] if bugs and seed is None else []
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
        reports = []
        for done in as_completed([pool.submit(run, name, plan) for name, plan in plans]):
            reports.append(done.result())
            print(reports[-1], flush=True)
        print(table(reports) if reports else "", flush=True)
        missed = [name for name, found in zip(tried, pool.map(is_caught, tried), strict=True) if not found]
    if tried:
        print(f"seeded bugs: {len(tried) - len(missed)} of {len(tried)} caught")
    for name in missed:
        print(f"  missed: {name}")
    enough = seed is not None or bug is not None or not unhit(reports)
    sys.exit(bool(missed) or not all(report.good for report in reports) or not enough)


def plan(seed: int, events: int, minutes: float, faults: int, rate: float, away: float) -> Plan:
    """Seeds 1 and 2 of each ten are as large as was asked for, the others a tenth of that, with as many faults."""
    share = 1.0 if (seed - 1) % 10 < 2 else 0.1
    return Plan(
        seed,
        events=int(events * share),
        customers=max(400, int(events * share) // 10),
        seconds=minutes * 60 * share,
        faults=faults,
        rate=rate * (1 + seed % 5),
        away=away * share,
        batch="20" if share == 1.0 else "4",
        patience=300,
    )


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
