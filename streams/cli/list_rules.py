"""`segments list`: the rules, each with its version, its title in English and Dutch, and its retention."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

import schemas
from segments.insight.about import about
from segments.insight.remembered import retention
from segments.insight.size import state
from segments.language import Segment
from segments.language.nodes.text import leaf_text, leaves, short_name
from segments.language.words.phrases import phrases
from segments.language.words.sentence import Language
from segments.language.words.timers import timers
from segments.plan.version import digest
from streams.cli.language import LANGUAGE
from streams.cli.visible import json_line, visible
from streams.cli.what_runs import Shown, shown
from streams.http.client import Coverage, ask
from streams.settings.settings import Settings, read_settings

FILES = click.option(
    "--rules",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="The rules of these files, whatever is deployed; may be given more than once.",
)


@click.command()
@FILES
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all that `show` says.")
def command(rules: tuple[Path, ...], language: Language | None, as_json: bool) -> None:
    """List the rules: id, version, title in English and Dutch, retention, whether time flips them.

    They are those deployed for the group, if a broker tells of any, else those of SEGMENTS_RULES; which of the two is
    said on stderr, and `deployment_id` in JSON. A rule whose file was edited since, and not deployed, is marked.
    Without a language the titles of both are shown.
    """
    settings = read_settings()
    found = shown(settings, tuple(map(str, rules)))
    known = coverage(settings, found)
    for name in found.recorded or [each.id for each in found.files]:
        if as_json:
            click.echo(json_line(told(name, found, known)))
        else:
            _print(name, found, known, language or settings.language)
    for line in found.said(", ".join(map(str, rules or settings.rules))):
        click.echo(visible(line), err=True)
    new = [each.id for each in found.files if each.id not in found.recorded]
    if found.deployed is not None and new and "rules" in settings.model_fields_set:
        click.echo(f"not deployed, in SEGMENTS_RULES: {visible(', '.join(new))}", err=True)


def coverage(settings: Settings, found: Shown) -> Coverage:
    """What the workers that run these rules know."""
    return ask(settings, None if found.deployed else digest(found.files, found.currency, found.zone))


def told(name: str, found: Shown, known: Coverage) -> dict[str, Any]:
    """All that can be said of a rule by its id."""
    segment = found.file(name) if name not in found.recorded else found.same(name)
    if segment is not None:
        said = everything(segment, found.files, found.currency, found.zone) | known_of(segment, known)
    else:
        said = recorded(found.recorded[name]) | _known(found.measures(name), name, known)
    marks = {
        "deployment_id": found.deployment_id if name in found.recorded else None,
        "undeployed_version": found.undeployed(name),
    }
    return said | marks


def recorded(rule: Mapping[str, Any]) -> dict[str, Any]:
    """What a deployment says of a rule that no file here has."""
    names = {"docstring": "purpose"}
    order = ("id", "version", "file", "docstring", "en", "nl", "source")
    return {names.get(name, name): rule[name] for name in order}


def _print(name: str, found: Shown, known: Coverage, language: Language | None) -> None:
    say = phrases(language or "en")
    deployed = found.recorded.get(name)
    segment = found.file(name) if deployed is None else found.same(name)
    said = deployed or {}
    if segment is not None:
        said = {"version": found.version(segment), "en": segment.en, "nl": segment.nl}
    click.echo(f"{click.style(visible(name), bold=True)}  {said['version']}")
    for each in ("en", "nl") if language is None else (language,):
        click.echo(visible(f"  {each}  {said[each]}"))
    if segment is not None:
        by_time = say("time alone can flip it") if timers(segment, "en") else say("only events flip it")
        kept = retention(segment, found.currency, language or "en")
        click.echo(f"      {say('remembers {retention}; {by_time}', retention=kept, by_time=by_time)}")
        if segment.lawful_basis:
            click.echo(f"      {say('lawful basis: {basis}', basis=segment.lawful_basis)}")
    if (version := found.undeployed(name)) is not None:
        edited = say(
            "edited: version {version} in SEGMENTS_RULES is not deployed (segments deploy)", version=version
        )
        click.echo(f"      {edited}")
    if name in known.warming:
        until = schemas.to_iso(known.warming[name])
        click.echo(f"      {say('warming until {at}: it knows only later events', at=until)}")


def everything(segment: Segment, rules: Sequence[Segment], currency: str, zone: str) -> dict[str, Any]:
    """All that can be said of a rule among others without asking a worker."""
    said = about(segment, currency, zone)
    return said | {"state": state(segment, rules, currency)}


def known_of(segment: Segment, known: Coverage) -> dict[str, Any]:
    """What the workers say of a rule: since when measures know events, and from when on it is exact."""
    texts = [short_name(leaf_text(leaf)) for leaf in leaves(segment.when) + leaves(segment.until)]
    # A measure that reads a period is known by its zone, too.
    measures = [each for each in known.since if each in texts or each.rpartition("@")[0] in texts]
    return _known(measures, segment.id, known)


def _known(measures: Sequence[str], name: str, known: Coverage) -> dict[str, Any]:
    until = known.warming.get(name)
    return {
        "known_since": {each: schemas.to_iso(known.since[each]) for each in measures if each in known.since},
        "warming_until": None if until is None else schemas.to_iso(until),
    }
