"""`segments why --file` where the files hold links: an id may go on in another partition than its own."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import click

from segments.engine import BEFORE_ALL, IDENTITIES, Border, EngineSettings, Partition, RuleSet, partition_of
from segments.insight.deploying import Deploying
from segments.insight.identity import TRANSFERS, followed
from segments.insight.replay import Replay, together
from segments.insight.tally import Tally
from segments.insight.why import why
from segments.language.errors import SegmentsError
from streams.cli.replay import deployed_or, deploying_of
from streams.cli.visible import visible
from streams.history.files import Logs, disorder_lines, latest, out_of_order, read_log
from streams.settings.settings import Settings


def require_segment(segment: str | None, partition: Partition) -> None:
    """Raise SegmentsError unless a partition runs a rule of this name, if one is asked about."""
    if segment is not None and segment not in partition.rules.ids:
        raise SegmentsError(f"There is no segment {segment}: `segments list` shows them.")


def linked_files(files: tuple[IO[bytes], ...]) -> tuple[tuple[IO[bytes], ...], bool]:
    """The files, to be read from their beginnings, and whether lines of `identities` may be among theirs."""
    again, linked, name = [], False, IDENTITIES.encode()
    for file in files:
        whole: IO[bytes] = file
        if not file.seekable():
            whole = io.BytesIO(file.read())
        linked = linked or any(name in line for line in whole)
        whole.seek(0)
        again.append(whole)
    return tuple(again), linked


def why_linked(
    settings: Settings,
    customer: str,
    segment: str | None,
    files: tuple[IO[bytes], ...],
    until: int | None,
    rules: tuple[Path, ...],
    partitions: int | None,
    borders: Sequence[Border],
    *,
    sort: bool,
) -> dict[str, Any]:
    """`why` of files with links: all partitions are lived through together, for any of them may matter."""
    deploying = deploying_of(settings)
    logs = read_log(files, partitions, until, sort=sort, deploying=deploying)
    chosen = deployed_or(deploying, rules, settings, borders)
    as_of = latest(logs) if until is None else until
    replays = _replays(logs, chosen, EngineSettings.of(settings), deploying, until)
    tally = Tally()
    for effects in together(replays, len(logs), as_of):
        tally.note(effects)
    for line in (*tally.lines(), *disorder_lines(0 if sort else out_of_order(logs))):
        click.echo(visible(line), err=True)

    def ask(name: str) -> dict[str, Any] | None:
        replay = replays.get(partition_of(name.encode(), len(logs)))
        if replay is None:
            return None
        require_segment(segment, replay.partition)
        return why(replay.partition, name, segment, BEFORE_ALL if as_of is None else as_of)

    answer = followed(ask, customer)
    if answer is None:
        number = partition_of(customer.encode(), len(logs))
        raise SegmentsError(f"Nothing is deployed in partition {number}: its records wait.")
    return answer


def _replays(
    logs: Logs, chosen: RuleSet | None, engine: EngineSettings, deploying: Deploying, until: int | None
) -> dict[int, Replay]:
    found = {}
    for number, log in logs.items():
        followed_there: Sequence[Any] = deploying.of(number, until)
        if chosen is not None or followed_there:
            found[number] = Replay(number, len(logs), log, chosen, engine, followed_there, TRANSFERS)
    return found
