"""`segments deploy`: the rules of a folder go live, at one place of the log, while events flow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import click

from segments.language.words.sentence import Language
from streams.cli import going_live
from streams.cli.deploy_report import Report, settings_change, tell_counted, what_changes
from streams.cli.filling import Wanted, exact_from, fill, told_exact_from
from streams.cli.going_live import NO_WAIT, NOTE, RULES, TIMEOUT, YES, tell_lines
from streams.cli.language import LANGUAGE
from streams.cli.progress import bar
from streams.cli.visible import json_line
from streams.clock import wall_clock
from streams.deployments.changes import changes
from streams.deployments.counting import Asked, Counted, TooManyMove, count, unmeasured
from streams.deployments.knowledge import known_since, unknown
from streams.deployments.new_borders import NewBorder, take_new, unpublished
from streams.deployments.planning import Planned, SettingsChange, plan, record
from streams.deployments.records import Chains, read_chains
from streams.deployments.watching import NotTakenOver
from streams.kafka.topics import require_sources
from streams.settings.settings import Settings, read_settings

WOULD_CHANGE = 6
"""Exit code of `--dry-run --exit-code` if something would change."""
ALL = 100.0
"""Per cent: nothing is held back, and nothing counted."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the command was called with."""

    rules: tuple[Path, ...]
    note: str
    at_once: bool
    yes: bool
    no_wait: bool
    timeout: float
    new_settings: bool
    max_moved: float
    dry_run: bool
    files: tuple[IO[bytes], ...]
    partitions: int | None
    backfill: bool
    no_census: bool
    exit_code: bool
    language: Language | None
    as_json: bool


@click.command()
@RULES
@NOTE
@click.option("--now", "at_once", is_flag=True, help="Take effect before the events that still wait.")
@YES
@NO_WAIT
@TIMEOUT
@click.option("--settings", "new_settings", is_flag=True, help="Also change settings that decide what flips.")
@click.option(
    "--max-moved",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    default=20.0,
    show_default=True,
    help="Write nothing if more of a segment's members, or of all customers, would flip. 100: do not count.",
)
@click.option(
    "--dry-run", is_flag=True, help="Write nothing; say what would change, and by the history who would flip."
)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.File("rb"),
    help="With --dry-run: JSON lines instead of the input topics; may be given more than once.",
)
@click.option(
    "--partitions", metavar="N", type=click.IntRange(min=1), help="With --file: as many as the topics have."
)
@click.option(
    "--backfill",
    is_flag=True,
    help="First fill the measures that do not know their past, from the input topics, while the old rules run.",
)
@click.option(
    "--no-census",
    is_flag=True,
    help="Publish no new borders: do not ask the workers for the values of customers.",
)
@click.option("--exit-code", is_flag=True, help="With --dry-run: exit code 6 if something would change.")
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(**given: Any) -> None:
    """Deploy the rules of SEGMENTS_RULES: check them, say what changes, and write them to every partition of the log.

    Each partition takes them over at that place of its log, while events flow. The rules are linted and their stories
    run first. What is deployed already is not written again.

    Borders that are published stay so. Of a border that is not, `top(percent=10)`, the workers are asked for the values
    of all customers first, if they know the measure for its whole window already; else the rule has no members until
    `segments borders update` publishes it, and the command says so.

    With --backfill the measures that do not know events of their whole window yet, those of new and changed rules among
    them, are filled first, from what the input topics still hold, while the old rules go on to flip; then the rules are
    written, and know their past. If the command ends before, the filling goes on, and the same command goes on with it.
    Rules that were deployed without their past are deployed with it so.

    With --dry-run both rule sets live through the history of the topics, or of files, once: of each rule that changes
    it is said who would enter, leave and stay, with some of them.

    Exit codes: 0 done; 1 refused; 2 wrong call; 3 written, but not taken over before --timeout; 4 another deployment
    was written meanwhile; 5 more would flip than --max-moved; 6 with --dry-run --exit-code: something would change.
    """
    call = Call(**given)
    _check(call)
    _run(call)


def _check(call: Call) -> None:
    """Refuses options that do not go together, and a call that would have to ask where nobody answers."""
    if (call.exit_code or call.files) and not call.dry_run:
        raise click.UsageError("--exit-code goes with --dry-run, and so does --file.")
    if call.partitions is not None and not call.files:
        raise click.UsageError("--partitions goes with --file.")
    if call.backfill and call.no_wait:
        raise click.UsageError(
            "--no-wait does not go with --backfill: the command writes the rules once all partitions are filled."
        )
    if not call.dry_run:
        going_live.require_answer(yes=call.yes)


def _run(call: Call) -> None:
    settings = read_settings()
    chains = read_chains(settings)
    planned = plan(settings, call.rules or settings.rules, chains.running, stories=True)
    known = known_since(chains, wall_clock())
    report = Report(changes(planned, chains.running, known))
    is_filled = call.backfill and chains.running is not None
    to_fill = unknown(planned.ruleset.data, known, wall_clock()) if is_filled else ()
    if not call.as_json:
        tell_lines(*what_changes(report, chains, to_fill, call.language or settings.language or "en"))
    is_needed = not report.changes.same or bool(chains.lacking or to_fill)
    if is_needed:
        _change(settings, call, planned, chains, report, to_fill)
    late = None
    if report.deployment_id is not None and not call.no_wait:
        try:
            _wait(settings, chains, report, call.timeout, as_json=call.as_json)
        except NotTakenOver as error:
            late = error
    if report.is_filled and late is None:
        report.exact_from = exact_from(settings)
        tell_lines(*(() if call.as_json else told_exact_from(report.exact_from)))
    if call.as_json:
        click.echo(json_line(report.as_json()))
    if late is not None:
        raise late
    if call.dry_run and call.exit_code and is_needed:
        raise click.exceptions.Exit(WOULD_CHANGE)


def _change(
    settings: Settings, call: Call, planned: Planned, chains: Chains, report: Report, to_fill: Sequence[str]
) -> None:
    """Says who would move, and writes it, unless it is a dry run."""
    if report.changes.settings and not call.new_settings:
        raise SettingsChange(settings_change(report.changes))
    require_sources(settings, planned.settings["profile_sources"])
    if call.dry_run:
        # Not above: what reads histories takes a third of a second to load, and a deployment is waited for.
        from streams.cli.foreseen import tell_foreseen

        tell_foreseen(settings, planned, report, chains, call.files, call.partitions, as_json=call.as_json)
        return
    deployment_id = None
    if call.backfill:
        made = record(settings, planned, chains, wall_clock(), call.note, at_once=False)
        wanted = Wanted(made, planned.ruleset, to_fill, call.timeout, yes=call.yes, quiet=call.as_json)
        chains, deployment_id = fill(settings, wanted, chains)
        report.is_filled = deployment_id is not None
    if not call.no_census:
        report.borders = _take_new(settings, planned, chains, call.timeout, filled=report.is_filled)
        tell_lines(*(() if call.as_json else map(str, report.borders)))
    if call.max_moved < ALL:
        report.counted = _count(settings, planned, report, chains, call.timeout, filled=report.is_filled)
        tell_counted(report.counted, as_json=call.as_json)
    _deploy(settings, planned, chains, report, call, deployment_id)


def _take_new(
    settings: Settings, planned: Planned, chains: Chains, timeout: float, *, filled: bool
) -> list[NewBorder]:
    if not unpublished(planned, chains):
        return []
    with bar(len(chains.held), "asking the workers for new borders") as progress:
        return take_new(settings, planned, chains, timeout, progress, filled=filled)


def _count(
    settings: Settings, planned: Planned, report: Report, chains: Chains, seconds: float, *, filled: bool
) -> Counted:
    """Who would flip; `filled`: what the rules measure anew is filled, so that nothing is unknown."""
    found = report.changes
    if not filled and not any(each.kind != "reworded" for each in found.rules) and not found.settings:
        return Counted()
    missing = () if filled else unmeasured(found)
    if found.deployed is None:
        return Counted(unknown=missing)
    made = record(settings, planned, chains, 0, "", at_once=False, new_borders=report.new_borders)
    asked = Asked(made, found.deployed.planned, chains.held, seconds, missing)
    with bar(len(chains.held), "counting who would flip") as progress:
        return count(settings, asked, progress, going_live.say)


def _deploy(
    settings: Settings,
    planned: Planned,
    chains: Chains,
    report: Report,
    call: Call,
    deployment_id: str | None,
) -> None:
    """Writes it, under this id if it is to wait for what is filled."""
    counted = report.counted or Counted()
    if over := [*counted.over(call.max_moved), *counted.over_all(call.max_moved)]:
        raise TooManyMove(
            "\n".join(
                [
                    *over,
                    f"More than {call.max_moved:g} % would flip: nothing was written. --max-moved allows more.",
                ]
            )
        )
    going_live.ask(f"Deploy this to the group {settings.group}?", yes=call.yes)
    borders, at_once = report.new_borders, call.at_once
    made = record(settings, planned, chains, wall_clock(), call.note, at_once=at_once, new_borders=borders)
    made["deployment_id"] = deployment_id or made["deployment_id"]
    going_live.publish(settings, made, chains)
    report.deployment_id = made["deployment_id"]


def _wait(settings: Settings, chains: Chains, report: Report, timeout: float, *, as_json: bool) -> None:
    id_ = str(report.deployment_id)
    look = going_live.taken_over(settings, id_, chains, timeout)
    report.flips, report.partitions = going_live.flips_of(look, id_), going_live.partitions_of(look)
    if not as_json:
        tell_lines("all partitions run it", *going_live.told_flips(report.flips))
