"""`segments backfill RULE`: what a rule that was added would have remembered, had it always been there."""

import asyncio
import difflib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import click

import schemas
from segments.engine import BEFORE_ALL, RuleSet, load
from segments.insight.warming import warming
from streams.cli.progress import bar
from streams.clock import wall_clock
from streams.history.reader import History, Progress
from streams.jobs.backfill import Backfill, BackfillOptions, FilledPartition
from streams.kafka import group, topics
from streams.settings.settings import Settings, read_settings


@click.command()
@click.argument("rules", nargs=-1, required=True, metavar="RULE...")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be filled, and who would flip.")
@click.option(
    "--all-history",
    is_flag=True,
    help="Also read what is older than `profiles` keeps erasures: only if nobody was erased by then.",
)
def command(rules: tuple[str, ...], dry_run: bool, all_history: bool) -> None:
    """Fill the measures of rules that were added, from the history of the input topics.

    RULE is the id of a rule in SEGMENTS_RULES. Stop all workers of the group, call this command, and start them with
    these rules. Customers who belong into the rules enter them with the reason rule_added. The command can be
    interrupted and called again.
    """
    settings = read_settings()
    loaded = load(settings.rules, settings.currency, settings.timezone, required=settings.required_consent)
    for name in rules:
        _require(name, loaded)
    count = topics.require(settings)
    if not dry_run:
        group.require_stopped(settings)
    filled = _run(settings, loaded, BackfillOptions(rules, dry_run, all_history), count)
    for line in _told(filled, loaded, dry_run):
        click.echo(line)


def _require(name: str, rules: RuleSet) -> None:
    if name not in rules.ids:
        near = difflib.get_close_matches(name, rules.ids, n=1)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(rules.ids))}."
        raise click.ClickException(f"There is no rule named {name}. {mend}")


def _run(settings: Settings, rules: RuleSet, options: BackfillOptions, count: int) -> list[FilledPartition]:
    filled: list[FilledPartition] = []

    def done(part: FilledPartition) -> None:
        filled.append(part)
        click.echo(f"partition {part.number}: {_of_part(part)}")

    with ExitStack() as stack:

        def watch(number: int, history: History) -> Progress:
            stack.close()
            return stack.enter_context(bar(history.length, f"partition {number}"))

        asyncio.run(Backfill(settings, rules, options, count).run(done, watch))
    return filled


def _of_part(part: FilledPartition) -> str:
    if not part.missing:
        return "its measures know everything already"
    read = f"{part.records} records read"
    if not part.known:
        return f"{read}; the topics hold nothing of before the measures were added"
    since = max(part.known.values())
    return f"{read}, known " + (
        "from the beginning" if since == BEFORE_ALL else f"since {schemas.to_iso(since)}"
    )


def _told(filled: list[FilledPartition], rules: RuleSet, dry_run: bool) -> Iterator[str]:
    flips: Counter[tuple[str, str]] = sum((part.flips for part in filled), Counter())
    for name in sorted({name for name, _ in flips}):
        what = f"{flips[name, 'enter']} enter and {flips[name, 'exit']} leave"
        yield f"{name}: {what} when the workers start{', if this is done' if dry_run else ''}"
    known: dict[str, int] = {}
    for part in filled:
        for measure, since in {**part.missing, **part.known}.items():
            known[measure] = max(since, known.get(measure, since))
    if any(part.links for part in filled):
        yield "ids were merged: what an absorbed id did before its link is missing in what was filled"
    for name, until in sorted(warming(rules, known, wall_clock()).items()):
        yield f"{name}: older records are deleted, so it is exact from {schemas.to_iso(until)} on"
