"""What the commands about deployments have in common: options, the question, the wait and its end."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from streams.cli.progress import LINE_SECONDS, Rewritten
from streams.cli.visible import visible
from streams.deployments.records import Chains, read_chains
from streams.deployments.watching import Look, wait, wait_filled
from streams.deployments.writing import write
from streams.settings.settings import Settings

RULES = click.option(
    "--rules",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A folder of rules; may be given more than once. Default: SEGMENTS_RULES.",
)
YES = click.option("--yes", is_flag=True, help="Do not ask. Needed where there is no terminal.")
NOTE = click.option(
    "--note", metavar="TEXT", default="", help="A word to go with it, for `segments deployments`."
)
NO_WAIT = click.option("--no-wait", is_flag=True, help="End once it is written.")
TIMEOUT = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=120.0,
    show_default=True,
    help="Wait so long for the workers, then end with exit code 3. The deployment stays.",
)


def require_answer(*, yes: bool) -> None:
    """Refuses a call that would have to ask where nobody answers."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask at: say --yes, or look first with --dry-run.")


def ask(question: str, *, yes: bool) -> None:
    """Asks, unless that was answered by --yes; ends the command with exit code 1 on no."""
    if not yes and not click.confirm(question, err=True):
        raise click.ClickException("Nothing was written.")


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A line on stderr that is rewritten on a terminal; elsewhere a changed one is told every few seconds."""
    shown, last, told_at = Rewritten(), "", -LINE_SECONDS
    pause = 0.0 if sys.stderr.isatty() else LINE_SECONDS

    def tell(line: str) -> None:
        nonlocal last, told_at
        now = time.monotonic()
        if line != last and now - told_at >= pause:
            last, told_at = line, now
            shown(line)

    try:
        yield tell
    finally:
        shown.end()


def taken_over(settings: Settings, deployment_id: str, chains: Chains, seconds: float) -> Look:
    """Waits until all partitions run it, or one after it; raises NotTakenOver."""

    def later() -> list[str]:
        return read_chains(settings).after(deployment_id)

    with progress() as tell:
        return wait(settings, deployment_id, len(chains.held), seconds, tell, later)


def filled(
    settings: Settings, filling_id: str, chains: Chains, seconds: float, require_wanted: Callable[[], object]
) -> None:
    """Waits until all partitions have filled what a record asks for; raises NotTakenOver, or what the last one does."""
    with progress() as tell:
        wait_filled(settings, filling_id, len(chains.held), seconds, tell, require_wanted)


def publish(settings: Settings, made: dict[str, Any], chains: Chains) -> None:
    """Writes a deployment to all partitions, and says so."""
    write(settings, made, chains)
    click.echo(f"deployment {made['deployment_id']} is written to {len(chains.held)} partitions", err=True)


def await_flips(
    settings: Settings, deployment_id: str, chains: Chains, seconds: float, *, quiet: bool
) -> dict[str, dict[str, int]]:
    """Waits until all partitions run it, tells of their flips unless `quiet`, and returns them; raises NotTakenOver."""
    flips = flips_of(taken_over(settings, deployment_id, chains, seconds), deployment_id)
    if not quiet:
        tell_lines("all partitions run it", *told_flips(flips))
    return flips


def flips_of(look: Look, deployment_id: str) -> dict[str, dict[str, int]]:
    """Enters and exits of a take-over, by segment; a partition that has gone on since tells of a later one."""
    found: dict[str, dict[str, int]] = {}
    for each in (each for each in look.partitions.values() if each.deployment_id == deployment_id):
        for name, flips in (("enters", each.enters), ("exits", each.exits)):
            for segment, count in flips.items():
                of = found.setdefault(segment, {"enters": 0, "exits": 0})
                of[name] += count
    return dict(sorted(found.items()))


def say(line: str) -> None:
    """Says on stderr how the command goes on."""
    click.echo(visible(line), err=True)


def tell_lines(*lines: str) -> None:
    """Prints lines that hold text from outside."""
    for line in lines:
        click.echo(visible(line))


def told_flips(flips: dict[str, dict[str, int]]) -> Iterator[str]:
    """In words."""
    for segment, each in flips.items():
        yield f"  {segment}: {each['enters']:,} entered, {each['exits']:,} left"


def partitions_of(look: Look) -> list[dict[str, Any]]:
    """For JSON: what each partition runs."""
    return [
        {"partition": each.partition, "state": each.state, "customers": each.taken_over}
        for _, each in sorted(look.partitions.items())
    ]
