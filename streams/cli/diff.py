"""`segments diff`: what `segments deploy` would change."""

from pathlib import Path

import click

from segments.language.words.sentence import Language
from streams.cli.going_live import RULES, tell_lines
from streams.cli.language import LANGUAGE
from streams.cli.visible import json_line
from streams.clock import wall_clock
from streams.deployments.changes import changes, told
from streams.deployments.knowledge import known_since
from streams.deployments.planning import plan
from streams.deployments.records import read_chains
from streams.settings.settings import read_settings


@click.command()
@RULES
@click.option("--markdown", is_flag=True, help="For the description of a pull request.")
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(rules: tuple[Path, ...], markdown: bool, language: Language | None, as_json: bool) -> None:
    """Say how the rules of SEGMENTS_RULES differ from those that the group has deployed.

    Rules are added, removed, changed in meaning or only in words; settings that decide what flips are compared, too.
    Stories are not run and nobody is counted: `segments deploy --dry-run` does that.
    """
    settings = read_settings()
    chains = read_chains(settings)
    planned = plan(settings, rules or settings.rules, chains.running, stories=False)
    found = changes(planned, chains.running, known_since(chains, wall_clock()))
    if as_json:
        click.echo(json_line(found.as_json()))
        return
    tell_lines(*told(found, language or settings.language or "en", markdown=markdown))
    for number in chains.lacking if chains.running is not None else ():
        tell_lines(
            f"partition {number} was added later and does not have it: `segments deploy` writes it there"
        )
