"""`segments replay`: events in, segment events out, without Kafka."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import click

import schemas
from segments.engine import BEFORE_ALL, IDENTITIES, Border, Effects, EngineSettings, RuleSet, load
from segments.insight.deploying import Deploying
from segments.insight.identity import TRANSFERS
from segments.insight.replay import Replay, together
from segments.insight.tally import Tally
from streams.cli.border_file import BORDERS, read_borders
from streams.cli.instant import Instant
from streams.cli.visible import json_line, visible
from streams.history.files import Logs, disorder_lines, latest, out_of_order, read_log, strangers
from streams.settings.settings import Settings, read_settings


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
@BORDERS
@click.option(
    "--outcomes", is_flag=True, help="Print the outcomes of rules with a goal, too, each with its `topic`."
)
@click.option("--sort", is_flag=True, help="Sort the lines of each topic by time first.")
def command(
    files: tuple[IO[bytes], ...],
    rules: tuple[Path, ...],
    until: int | None,
    partitions: int | None,
    borders: Path | None,
    outcomes: bool,
    sort: bool,
) -> None:
    """Read events (JSON lines, each with its `topic`, in log order) and print segment events, by the worker's engine.

    A line may have `partition` (then say --partitions), `offset` and `timestamp`, as `segments consume` prints them;
    else partitions are told by the customer id, offsets count from 0, and nothing is from the future. The wall clock is
    never read: `emitted_at` is the instant of the flip. FILE may be - for standard input.

    With lines of `segment-deployments` of SEGMENTS_GROUP the rules are those deployed, from the first one on, and the
    files of SEGMENTS_RULES are not read. Such a line has `deployment_id`, `occurred_at` and the folder of rules in
    `rules_from`, or is one that `segments consume` printed. Without `partition` it stands for one on each.

    Lines of `identities` are links: an id that is linked into another goes on as that one. Then the partitions are
    lived through together, and what one of them hands to another is there at once.

    How many records came late, were refused (each reason once) or are out of order is told on stderr, and as of which
    instant: without --until the last event less SEGMENTS_GRACE, as in a worker.
    """
    settings = read_settings()
    engine = EngineSettings.of(settings)
    deploying = deploying_of(settings)
    logs = read_log(files, partitions, until, sort=sort, deploying=deploying)
    chosen = deployed_or(deploying, rules, settings, read_borders(borders))
    if chosen is not None:
        for line in strangers({topic for log in logs.values() for topic in log}, chosen.sources):
            click.echo(visible(line), err=True)
    tally, flips, clock = Tally(), 0, BEFORE_ALL
    for effects in effects_of(logs, chosen, engine, until, deploying):
        tally.note(effects)
        flips += _print(effects, outcomes)
        clock = max(clock, effects.clock)
    for line in (*tally.lines(), *disorder_lines(0 if sort else out_of_order(logs))):
        click.echo(visible(line), err=True)
    counts = tally.outcomes + Counter({"flips": flips})
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))
    click.echo(f"replayed: {said or 'nothing'}{_as_of(until, clock, latest(logs))}", err=True)


def _as_of(until: int | None, clock: int, last: int | None) -> str:
    """The instant up to which all that is due has fired."""
    if until is not None:
        return f"; as of {schemas.to_iso(until)}"
    if last is None or clock == BEFORE_ALL:
        return ""
    less = "" if clock >= last else f", {last - clock} ms before the last event (SEGMENTS_GRACE)"
    return f"; as of {schemas.to_iso(clock)}{less}"


def deploying_of(settings: Settings) -> Deploying:
    """What takes in the deployments of the group in a file; lines without settings have those of this process."""
    required = settings.required_consent or ""
    return Deploying(
        settings.group, EngineSettings.of(settings), required, settings.timezone, settings.profile_sources
    )


def deployed_or(
    deploying: Deploying, rules: Sequence[Path], settings: Settings, borders: Sequence[Border] = ()
) -> RuleSet | None:
    """The rules of the files; None: the log holds a deployment of the group, whose rules are used instead."""
    if deploying:
        if rules or borders:
            raise click.UsageError(
                f"The file holds deployments of the group {settings.group}, which say what the rules are: "
                f"leave out {'--rules' if rules else '--borders'}."
            )
        return None
    if deploying.others:
        told = f"{deploying.others:,} deployments of other groups than {settings.group} (SEGMENTS_GROUP)"
        click.echo(f"passed over: {told}; the rules are those of files", err=True)
    return load(
        rules or settings.rules,
        settings.currency,
        settings.timezone,
        required=settings.required_consent,
        borders=borders,
        sources=settings.profile_sources,
    )


def effects_of(
    logs: Logs, rules: RuleSet | None, engine: EngineSettings, until: int | None, deploying: Deploying
) -> Iterator[Effects]:
    """What comes of a log, one partition after the other; one where nothing is deployed is told and left out."""
    linked = any(log.get(IDENTITIES) for log in logs.values())
    replays: dict[int, Replay] = {}
    for number, log in logs.items():
        followed = deploying.of(number, until)
        if rules is None and not followed:
            waiting = sum(map(len, log.values()))
            click.echo(f"partition {number}: nothing is deployed there; {waiting:,} records wait", err=True)
            continue
        replay = Replay(number, len(logs), log, rules, engine, followed, TRANSFERS if linked else None)
        if linked:
            replays[number] = replay
        else:
            yield from replay.run(until)
    yield from together(replays, len(logs), until)


def _print(effects: Effects, outcomes: bool) -> int:
    """Print the flips on stdout, and the outcomes if they are asked for; how many flips there are."""
    lines = []
    for _, event in effects.segment_events:
        shown = schemas.to_json(schemas.SEGMENT_EVENT, event | {"emitted_at": event["occurred_at"]})
        lines.append(json_line(shown))
    for _, outcome in effects.segment_outcomes if outcomes else ():
        told = schemas.to_json(schemas.SEGMENT_OUTCOME, outcome | {"emitted_at": outcome["occurred_at"]})
        lines.append(json_line({"topic": "segment-outcomes", **told}))
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    return len(effects.segment_events)
