"""`segments list`: the rules, each with its version, its title in English and Dutch, and its retention."""

import json

import click

from segments.language import Segment
from segments.language.about import about
from segments.language.remembered import retention
from segments.language.timers import timers
from segments.language.version import version
from streams.cli.rule_paths import rules_in
from streams.settings import read_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with all that `show` says.")
def command(as_json: bool) -> None:
    """List the rules: id, version, title in English and Dutch, retention, whether time flips them."""
    settings = read_settings()
    for segment in rules_in((), settings):
        if as_json:
            click.echo(json.dumps(about(segment, settings.currency), ensure_ascii=False))
        else:
            _print(segment, settings.currency)


def _print(segment: Segment, currency: str) -> None:
    by_time = "time alone can flip it" if timers(segment, "en") else "only events flip it"
    click.echo(f"{click.style(segment.id, bold=True)}  {version(segment)}")
    click.echo(f"  en  {segment.en}\n  nl  {segment.nl}")
    click.echo(f"      remembers {retention(segment, currency)}; {by_time}")
