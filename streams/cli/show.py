"""`segments show ID`: all that there is to know of one rule."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent

import click

from segments.language import Segment
from segments.plan.version import digest
from streams.cli.list_rules import everything, known_of
from streams.cli.rule_paths import rules_in
from streams.cli.visible import json_line
from streams.http.client import ask
from streams.settings.settings import read_settings


@click.command()
@click.argument("segment_id", metavar="ID|FILE")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(segment_id: str, as_json: bool) -> None:
    """Show one rule: in words, what it remembers and how long, when it flips by time, and its stories.

    ID is one of the rules of SEGMENTS_RULES; FILE is a rule file, wherever it lies.
    """
    settings = read_settings()
    file = segment_id.endswith(".py")
    rules = rules_in((segment_id,) if file else (), settings)
    segment = _find(Path(segment_id).stem if file else segment_id, rules)
    said = everything(segment, rules, settings.currency)
    said |= known_of(segment, ask(settings, digest(rules)))
    if as_json:
        click.echo(json_line(said))
        return
    click.echo(f"{click.style(segment.id, bold=True)}  {said.pop('version')}  {said.pop('file')}")
    for name, value in said.items():
        if value and name != "id":
            text = "\n".join(value) if isinstance(value, list) else value
            if isinstance(value, dict):
                text = "\n".join(f"{measure}: {since}" for measure, since in value.items())
            click.echo(f"\n{click.style(name.replace('_', ' '), bold=True)}\n{indent(text, '  ')}")


def _find(segment_id: str, segments: Sequence[Segment]) -> Segment:
    by_id = {segment.id: segment for segment in segments}
    if segment_id not in by_id:
        near = difflib.get_close_matches(segment_id, by_id, n=1)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(by_id)}."
        raise click.ClickException(f"There is no rule named {segment_id}. {mend}")
    return by_id[segment_id]
