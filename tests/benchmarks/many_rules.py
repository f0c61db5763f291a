"""What 100 and 1,000 rules cost: seeded rule sets with distinct windows, fields and bounds."""

import compileall
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

from segments.engine import RuleSet, load
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.text import leaf_text
from tests.benchmarks import outputs
from tests.benchmarks.load import CLICKS, Load
from tests.benchmarks.rig import Site, load_average
from tests.benchmarks.running import TWELVE, RunningWorker
from tests.benchmarks.sizes import Plan
from tests.benchmarks.throughput import difference, flip_ids, replayed
from tests.benchmarks.watch import Died, Pace, summary

PARTITIONS = 4
ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "segments", "streams")
KINDS = sorted(set(CLICKS))
FIELDS = {"page": "page", "product_id": "product_id", "category": "category", "channel": "channel"}
MONEY = ("sum", "max", "min", "mean")


def rule(chance: random.Random, number: int) -> str:
    """The source of a rule: a condition or two, each with a window of its own."""
    conditions = [_condition(chance, number * 2 + each) for each in range(chance.choice((1, 1, 2)))]
    imported = sorted({name for _, names in conditions for name in names} | {"Segment"})
    whole = conditions[0][0] if len(conditions) == 1 else f"[{', '.join(each for each, _ in conditions)}]"
    name = f"seeded_{number}"
    return (
        f'"""Seeded rule {number}."""\n\n'
        f"from segments.language import {', '.join(imported)}\n\n"
        f'{name} = Segment(en="Seeded {number}", nl="Gezaaid {number}", when={whole})\n'
    )


def _condition(chance: random.Random, number: int) -> tuple[str, set[str]]:
    """A condition, and what it imports; the number makes its window distinct."""
    kind = chance.choice(KINDS)
    window = f"within(minutes={chance.randrange(60, 60 * 24 * 60, 5) * 10 + number % 10})"
    bound = chance.randrange(2, 12)
    match chance.randrange(6):
        case 0:
            return f"{kind}.{window}.count() >= {bound}", {kind}
        case 1:
            return f"{kind}.since(purchase).{window}.count() >= {bound}", {kind, "purchase"}
        case 2:
            return f"{kind}.{window}.distinct({kind}.{chance.choice(list(FIELDS))}) >= {bound}", {kind}
        case 3:
            return f"purchase.{window}.{chance.choice(MONEY)}(purchase.amount) >= {bound * 25}", {"purchase"}
        case 4:
            where = f'where({kind}.category == "category-{chance.randrange(20)}")'
            return f"{kind}.{where}.{window}.count() >= {bound}", {kind}
        case _:
            return f"visit.{window}.count() >= {bound}", {"visit"}


def write(folder: Path, count: int, seed: int) -> Path:
    """A folder with so many rules; the same seed gives the same rules."""
    chance = random.Random(seed * 10_000 + count)
    folder.mkdir(parents=True)
    for number in range(count):
        (folder / f"seeded_{number}.py").write_text(rule(chance, number))
    return folder


def shared_measures(rules: RuleSet) -> float:
    """The share of the conditions on measures whose measure some other condition reads, too."""
    measures = [leaf_text(leaf) for each in rules.leaves for leaf in each if isinstance(leaf, Comparison)]
    counts = Counter(measures)
    return sum(counts[each] > 1 for each in measures) / len(measures)


def measure(plan: Plan) -> dict[str, Any]:
    """The same log for the twelve rules and for each seeded set."""
    sizes, before = plan.sizes, load_average()
    for package in PACKAGES:
        # As installing does: sources that were edited since are compiled here, and not at each start.
        compileall.compile_dir(ROOT / package, quiet=1)
    site = Site(plan.folder / "rules", PARTITIONS)
    load_ = Load(sizes.rule_events, sizes.customers, seed=sizes.seed)
    folders = {12: TWELVE} | {
        count: write(plan.folder / f"rules-{count}", count, sizes.seed) for count in sizes.rules
    }
    found: dict[int, list[Pace]] = {count: [] for count in folders}
    rows: dict[int, dict[str, Any]] = {count: {"rules": count} for count in folders}
    with site:
        for count, folder in folders.items():
            rows[count]["start"] = _start(plan, site, count, folder)
            print(f"  {count} rules: served after {rows[count]['start']} s", flush=True)
        site.produce(load_.records(int(time.time() * 1000) - 60_000))
        for number in range(sizes.rounds):
            for count, folder in folders.items():
                begin = outputs.ends(site, "segment-events")
                try:
                    found[count].append(_run(plan, site, f"rules-{count}-{number}", folder))
                except Died as error:
                    rows[count]["note"] = str(error).partition("\n")[0]
                    continue
                if number == 0 and count == min(sizes.rules, default=0) and found[count][-1].finished:
                    flips = replayed(site, load([folder]))
                    rows[count]["wrong"] = difference(flip_ids(site, begin), flips)
                print(f"  {count} rules: {found[count][-1].rate:,.0f} events/s", flush=True)
        for count, folder in folders.items():
            rows[count] |= _about(load([folder])) | (summary(found[count]) if found[count] else {})
    for row in rows.values():
        if "cpu" in row and "cpu" in rows[12]:
            row["times"] = round(row["cpu"] / max(rows[12]["cpu"], 1e-9), 2)
    return {"rows": list(rows.values()), "events": sizes.rule_events, "load": [before, load_average()]}


def _about(rules: RuleSet) -> dict[str, Any]:
    return {
        "shared": round(shared_measures(rules), 3),
        "streams": len(rules.plan.streams),
        "conditions": sum(len(each) for each in rules.leaves),
    }


def _start(plan: Plan, site: Site, count: int, folder: Path) -> float:
    with RunningWorker(
        site, f"start-{count}", plan.folder / f"start-{count}", CLOCK="event", RULES=str(folder)
    ) as worker:
        return round(worker.wait_until_ready(), 2)


def _run(plan: Plan, site: Site, group: str, folder: Path) -> Pace:
    work, cap = plan.folder / group, plan.sizes.cap
    with (
        RunningWorker(site, group, work, CLOCK="event", RULES=str(folder)) as worker,
        site.inputs(group) as reached,
    ):
        result = worker.pace(reached, site.produced, cap)
        outputs.wait_until_quiet(site, "segment-events", cap)
        return result
