"""`segments list`: the rules, each with its version, its title in English and Dutch, and its retention."""

from collections.abc import Sequence
from typing import Any

import click

import schemas
from segments.insight.about import about
from segments.insight.remembered import retention
from segments.insight.size import state
from segments.language import Segment
from segments.language.checking.coming import is_coming
from segments.language.nodes.text import leaf_text, leaves, short_name
from segments.language.words.timers import timers
from segments.plan.version import digest, version
from streams.cli.rule_paths import rules_in
from streams.cli.visible import json_line
from streams.http.client import Coverage, ask
from streams.settings.settings import Settings, read_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all that `show` says.")
def command(as_json: bool) -> None:
    """List the rules: id, version, title in English and Dutch, retention, whether time flips them."""
    settings = read_settings()
    rules = rules_in((), settings)
    known = ask(settings, digest(rules, settings.currency, settings.timezone))
    for segment in rules:
        if as_json:
            said = everything(segment, rules, settings) | known_of(segment, known)
            click.echo(json_line(said))
        else:
            _print(segment, settings, known)


def _print(segment: Segment, settings: Settings, known: Coverage) -> None:
    by_time = "time alone can flip it" if timers(segment, "en") else "only events flip it"
    click.echo(
        f"{click.style(segment.id, bold=True)}  {version(segment, settings.currency, settings.timezone)}"
    )
    click.echo(f"  en  {segment.en}\n  nl  {segment.nl}")
    click.echo(f"      remembers {retention(segment, settings.currency)}; {by_time}")
    if segment.lawful_basis:
        click.echo(f"      lawful basis: {segment.lawful_basis}")
    if segment.id in known.warming:
        until = schemas.to_iso(known.warming[segment.id])
        click.echo(
            f"      warming until {until}: it knows only later events (segments backfill {segment.id})"
        )


def everything(segment: Segment, rules: Sequence[Segment], settings: Settings) -> dict[str, Any]:
    """All that can be said of a rule among others without asking a worker."""
    said = about(segment, settings.currency, settings.timezone)
    if is_coming(segment):
        return said | {"state": ["nothing: the engine of this version refuses the rule"]}
    running = [each for each in rules if not is_coming(each)]
    return said | {"state": state(segment, running, settings.currency)}


def known_of(segment: Segment, known: Coverage) -> dict[str, Any]:
    """What the workers say of a rule: since when measures know events, and from when on it is exact."""
    measures = [short_name(leaf_text(leaf)) for leaf in leaves(segment.when) + leaves(segment.until)]
    until = known.warming.get(segment.id)
    return {
        "known_since": {each: schemas.to_iso(known.since[each]) for each in measures if each in known.since},
        "warming_until": None if until is None else schemas.to_iso(until),
    }
