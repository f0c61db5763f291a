"""`segments borders`: the bounds learned from all customers, taken anew and shown."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import schemas
from segments.engine import Border
from segments.insight.histogram import Drawn, lines_of, svg_of
from segments.insight.ranking import durations_of, known_names
from segments.plan.borders import fields_of
from streams.cli import going_live
from streams.cli.going_live import NO_WAIT, NOTE, YES, tell_lines
from streams.cli.progress import bar
from streams.cli.visible import json_line
from streams.clock import wall_clock
from streams.deployments.borders import CustomerValues, Move, NotAsked, after, moves, record, take
from streams.deployments.counting import Asked, Counted, TooManyMove, count
from streams.deployments.knowledge import windows_of
from streams.deployments.records import Chains, read_chains
from streams.errors import StreamsError
from streams.settings.settings import Settings, read_settings


class NotWarm(StreamsError):
    """A measure is not known for its whole window yet."""


@click.group()
def command() -> None:
    """Take the borders that rules are compared with, top(percent=10), from all customers, and show those published."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(as_json: bool) -> None:
    """Show the borders published, each with the instant at which it was taken, and of how many customers."""
    chains = read_chains(read_settings())
    if as_json:
        told = [_plain(each) for each in chains.borders]
        click.echo(json_line({"deployment_id": chains.last and chains.last.id, "borders": told}))
        return
    if not chains.borders:
        tell_lines("no border is published: run `segments borders update`")
    for each in chains.borders:
        key = each.key
        tell_lines(
            f"{key.measure} top(percent={key.percent}): {each.value} ({key.currency}, {key.zone})",
            f"  of {each.customers:,} customers, taken at {schemas.to_iso(each.taken_at)}",
        )


@command.command()
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=600.0,
    show_default=True,
    help="In which all partitions must have answered; else nothing is written, exit code 3.",
)
@click.option(
    "--max-moved",
    metavar="PERCENT",
    type=click.FloatRange(min=0),
    help="Write nothing, exit code 5, if more than so many per cent of a rule's members would leave, or as many enter.",
)
@click.option(
    "--warming", is_flag=True, help="Also of measures that are not known for their whole window yet."
)
@click.option(
    "--svg", metavar="FILE", type=click.Path(path_type=Path), help="Draw the values, and where they are cut."
)
@NOTE
@YES
@NO_WAIT
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def update(
    timeout: float,
    max_moved: float | None,
    warming: bool,
    svg: Path | None,
    note: str,
    yes: bool,
    no_wait: bool,
    as_json: bool,
) -> None:
    """Take all borders of the rules that run anew, and publish them.

    Each worker is asked for the values of the customers in its partitions, beside its work. The command shows the old
    and the new borders and who would move, asks, and writes a deployment of kind `borders`. Exit codes: 0 done; 1
    refused; 2 wrong call; 3 not all partitions answered or took over in time; 4 another deployment was written
    meanwhile; 5 more would move than --max-moved.
    """
    going_live.require_answer(yes=yes)
    settings = read_settings()
    chains = read_chains(settings)
    if chains.running is None or not chains.running.planned.data.borders:
        raise StreamsError(
            "no rule that is deployed reads a border: write top(percent=10) in one, and deploy it"
        )
    found, taken = _taken(settings, chains, timeout, warming=warming)
    borders = after(found, chains.borders)
    counted = _count(settings, chains, borders, timeout)
    drawn = _drawn(found, taken, durations_of(chains.running.planned.data))
    if not as_json:
        tell_lines(*_told(found, drawn, counted))
    if svg is not None:
        svg.write_text(svg_of(drawn))
    _refuse(counted, max_moved)
    if all(each.new is None for each in found):
        raise StreamsError("nothing is published: " + "; ".join(each.why for each in found))
    going_live.ask(f"Publish these borders for the group {settings.group}?", yes=yes)
    made = record(settings, chains, borders, wall_clock(), note)
    going_live.publish(settings, made, chains)
    flips = (
        None
        if no_wait
        else going_live.await_flips(settings, made["deployment_id"], chains, timeout, quiet=as_json)
    )
    if as_json:
        click.echo(json_line(_as_json(made["deployment_id"], found, counted, flips)))


def _as_json(
    deployment_id: str, found: Sequence[Move], counted: Counted, flips: dict[str, dict[str, int]] | None
) -> dict[str, Any]:
    told = [
        {**_plain(each.new), "old": None if each.old is None else each.old.value}
        for each in found
        if each.new is not None
    ]
    return {
        "deployment_id": deployment_id,
        "borders": told,
        "would_enter": dict(counted.enters),
        "would_leave": dict(counted.exits),
        "flips": flips,
    }


def _taken(
    settings: Settings, chains: Chains, timeout: float, *, warming: bool
) -> tuple[list[Move], CustomerValues]:
    """What the customers make of the borders that the deployed rules read."""
    if chains.running is None or not chains.running.planned.data.borders:
        raise StreamsError(
            "no rule that is deployed reads a border: write top(percent=10) in one, and deploy it"
        )
    running = chains.running
    keys, names = running.planned.data.borders, known_names(running.planned.data)
    consent = running.settings["required_consent"]
    with bar(len(chains.held), "asking the workers") as progress:
        try:
            windows = windows_of(running.planned.data)
            taken = take(settings, windows, chains.held, names, timeout, progress, consent)
        except NotAsked as error:
            raise NotAsked(f"{error} Nothing was written.") from None
    if taken.known and not warming:
        raise NotWarm(_warming(taken))
    return moves(keys, taken, chains.borders), taken


def _plain(border: Border) -> dict[str, Any]:
    return {**fields_of(border), "taken_at": schemas.to_iso(border.taken_at)}


def _warming(taken: CustomerValues) -> str:
    lines = [
        f"{name} is known for its whole window from {schemas.to_iso(at)} on"
        for name, at in taken.known.items()
    ]
    return "\n".join(
        [*lines, "Wait until then, or say --warming: the border would be of what is known by now."]
    )


def _count(settings: Settings, chains: Chains, borders: Sequence[Border], seconds: float) -> Counted:
    running = chains.running
    assert running is not None  # noqa: S101 - `update` asked
    made = {**running.fields, "borders": list(map(fields_of, borders))}
    asked = Asked(made, running.planned, chains.held, seconds)
    with bar(len(chains.held), "counting who would move") as progress:
        return count(settings, asked, progress, going_live.say)


def _refuse(counted: Counted, max_moved: float | None) -> None:
    over = [] if max_moved is None else counted.over(max_moved)
    if over:
        raise TooManyMove(
            "\n".join(
                [
                    *over,
                    f"More than {max_moved:g} % would move: nothing was written. --max-moved allows more.",
                ]
            )
        )


def _drawn(found: Sequence[Move], taken: CustomerValues, durations: Collection[str]) -> list[Drawn]:
    return [
        Drawn(each.key, taken.values[each.key.measure], each.old, each.new, each.key.measure in durations)
        for each in found
    ]


def _told(found: Sequence[Move], drawn: Sequence[Drawn], counted: Counted) -> Iterator[str]:
    for each, picture in zip(found, drawn, strict=True):
        old = "nothing" if each.old is None else picture.border_text(each.old)
        yield f"{each.key.measure} top(percent={each.key.percent})"
        if each.new is None:
            yield f"  stays {old}: {each.why}"
        else:
            yield f"  {old} becomes {picture.border_text(each.new)}, of {each.new.customers:,} customers"
        yield from (f"    {line}" for line in lines_of(picture))
    for name in sorted({*counted.enters, *counted.exits}):
        enters, exits = counted.enters[name], counted.exits[name]
        yield f"  {name}: {enters:,} would enter and {exits:,} leave; {counted.members[name]:,} are in it"
