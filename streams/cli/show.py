"""`segments show ID`: all that there is to know of one rule."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import click

from segments.insight.remembered import retention
from segments.language import Segment
from segments.language.words.phrases import phrases
from segments.language.words.sentence import Language
from segments.plan.version import digest
from streams.cli.language import LANGUAGE
from streams.cli.list_rules import everything, known_of
from streams.cli.rule_paths import rules_in
from streams.cli.visible import json_line
from streams.http.client import ask
from streams.settings.settings import read_settings


@click.command()
@click.argument("segment_id", metavar="ID|FILE")
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(segment_id: str, language: Language | None, as_json: bool) -> None:
    """Show one rule: its description, what it keeps and for how long, when time flips it, and its stories.

    ID is one of the rules of SEGMENTS_RULES; FILE is a rule file, wherever it lies. Without a language both are
    shown.
    """
    settings = read_settings()
    file = segment_id.endswith(".py")
    rules = rules_in((segment_id,) if file else (), settings)
    segment = _find(Path(segment_id).stem if file else segment_id, rules)
    said = everything(segment, rules, settings)
    said |= known_of(segment, ask(settings, digest(rules, settings.currency, settings.timezone)))
    if as_json:
        click.echo(json_line(said))
        return
    click.echo(f"{click.style(segment.id, bold=True)}  {said.pop('version')}  {said.pop('file')}")
    language = language or settings.language
    if language is not None:
        said = _in_one(said, language, segment, settings.currency)
    for name, value in said.items():
        if value and name != "id":
            text = "\n".join(value) if isinstance(value, list) else value
            if isinstance(value, dict):
                text = "\n".join(f"{measure}: {since}" for measure, since in value.items())
            click.echo(f"\n{click.style(name.replace('_', ' '), bold=True)}\n{indent(text, '  ')}")


def _in_one(said: dict[str, Any], language: Language, segment: Segment, currency: str) -> dict[str, Any]:
    """What is said in one language, under headings of this language."""
    say, other = phrases(language), "en" if language == "nl" else "nl"
    names = {
        language: "title",
        f"words_{language}": "in words",
        f"goal_{language}": "goal in words",
        "flips_by_time_nl": "flips_by_time",
    }
    by_time = "flips_by_time" if language == "nl" else "flips_by_time_nl"
    found = {
        say(names.get(name, name).replace("_", " ")): value
        for name, value in said.items()
        if name not in ("id", other, f"words_{other}", f"goal_{other}", by_time)
    }
    return found | {say("retention"): retention(segment, currency, language)}


def _find(segment_id: str, segments: Sequence[Segment]) -> Segment:
    by_id = {segment.id: segment for segment in segments}
    if segment_id not in by_id:
        near = difflib.get_close_matches(segment_id, by_id, n=1)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(by_id)}."
        raise click.ClickException(f"There is no rule named {segment_id}. {mend}")
    return by_id[segment_id]
