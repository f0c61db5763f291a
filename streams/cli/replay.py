"""`segments replay`: events in, segment events out, without Kafka."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click

import schemas
from segments.engine import Effects, EngineSettings, RuleSet, load
from segments.insight.replay import Replay
from streams.cli.instant import Instant
from streams.cli.visible import json_line, visible
from streams.history.files import Logs, read_log
from streams.settings.settings import read_settings


@click.command(name="replay")
@click.argument("files", metavar="FILE ...", nargs=-1, required=True, type=click.File("rb"))
@click.option(
    "--rules",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A folder of rules, or one rule file; may be given more than once. Default: SEGMENTS_RULES.",
)
@click.option(
    "--until",
    metavar="TIME",
    type=Instant(),
    help="Read no later event; fire what is due up to and including it.",
)
@click.option(
    "--partitions", metavar="N", type=click.IntRange(min=1), help="As many as the topics have. Default: 1."
)
def command(
    files: tuple[IO[bytes], ...], rules: tuple[Path, ...], until: int | None, partitions: int | None
) -> None:
    """Events in (JSON lines, each with its `topic`, in log order), segment events out, by the worker's engine.

    A line may have `partition` (then say --partitions), `offset` and `timestamp`, as `segments consume` prints them;
    else partitions are told by the customer id, offsets count from 0, and nothing is from the future. The wall clock is
    never read: `emitted_at` is the instant of the flip. FILE may be - for standard input.
    """
    settings = read_settings()
    chosen = load(rules or settings.rules, settings.currency)
    engine = EngineSettings.of(settings)
    logs = read_log(files, partitions, until)
    outcomes: Counter[str] = Counter()
    for effects in _effects(logs, chosen, engine, until):
        outcomes.update(_told(effects))
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(outcomes.items()))
    click.echo(f"replayed: {counts or 'nothing'}", err=True)


def _effects(logs: Logs, rules: RuleSet, engine: EngineSettings, until: int | None) -> Iterator[Effects]:
    for number, log in logs.items():
        yield from Replay(number, len(logs), log, rules, engine).run(until)


def _told(effects: Effects) -> Counter[str]:
    """Print what came out: flips on stdout, what was refused on stderr."""
    lines = []
    for _, event in effects.segment_events:
        shown = schemas.to_json(schemas.SEGMENT_EVENT, event | {"emitted_at": event["occurred_at"]})
        lines.append(json_line(shown))
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    for letter in effects.dead_letters:
        record = letter.record
        line = f"refused: {record.topic} offset {record.offset}: {letter.reason}: {letter.error}"
        click.echo(visible(line), err=True)
    counted = Counter({"flips": len(lines)}) if lines else Counter()
    for (_, outcome), count in effects.outcomes.items():
        counted[outcome] += count
    return counted
