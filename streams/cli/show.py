"""`segments show ID`: all that there is to know of one rule."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import click

from segments.insight.remembered import retention
from segments.insight.size import state
from segments.language import Segment
from segments.language.words.phrases import phrases
from segments.language.words.sentence import Language
from streams.cli.language import LANGUAGE
from streams.cli.list_rules import FILES, coverage, told
from streams.cli.visible import json_line, visible
from streams.cli.what_runs import Shown, shown
from streams.settings.settings import read_settings


@click.command()
@click.argument("segment_id", metavar="ID|FILE")
@FILES
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(segment_id: str, rules: tuple[Path, ...], language: Language | None, as_json: bool) -> None:
    """Show one rule: its description, what it keeps and for how long, when time flips it, and its stories.

    ID is one of the rules deployed for the group, if a broker tells of any, else of SEGMENTS_RULES; which of the two is
    said on stderr. FILE is a rule file, wherever it lies. Of a deployed rule whose file differs its source is shown,
    and that the file is not deployed. Without a language both are shown.
    """
    settings = read_settings()
    is_file = segment_id.endswith(".py")
    found = shown(settings, (segment_id,) if is_file else tuple(map(str, rules)))
    name = Path(segment_id).stem if is_file else segment_id
    _require(name, [*found.recorded, *(each.id for each in found.files)])
    said = told(name, found, coverage(settings, found))
    segment = found.same(name) if name in found.recorded else found.file(name)
    for line in _which(name, said, found):
        click.echo(visible(line), err=True)
    if as_json:
        click.echo(json_line(said))
        return
    click.echo(f"{click.style(name, bold=True)}  {said.pop('version')}  {said.pop('file')}")
    said = {key: value for key, value in said.items() if key not in ("deployment_id", "undeployed_version")}
    language = language or settings.language
    if language is not None:
        said = _in_one(said, language, segment, found)
    for name, value in said.items():
        if value and name != "id":
            text = "\n".join(value) if isinstance(value, list) else value
            if isinstance(value, dict):
                text = "\n".join(f"{measure}: {since}" for measure, since in value.items())
            click.echo(f"\n{click.style(name.replace('_', ' '), bold=True)}\n{indent(text, '  ')}")


def _which(name: str, said: dict[str, Any], found: Shown) -> Iterator[str]:
    """What is shown: of a deployment or of a file, and whether the other one differs."""
    yield from found.said(str(said["file"]))
    if found.deployed is None:
        return
    if name not in found.recorded:
        yield f"{name} is not deployed: this is the file"
    elif said["undeployed_version"] is not None:
        yield f"edited: version {said['undeployed_version']} in SEGMENTS_RULES is not deployed (segments deploy)"


def _in_one(
    said: dict[str, Any], language: Language, segment: Segment | None, rules: Shown
) -> dict[str, Any]:
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
    if segment is None:
        return found
    return found | {
        say("state"): state(segment, rules.files, rules.currency, language),
        say("retention"): retention(segment, rules.currency, language),
    }


def _require(name: str, names: Sequence[str]) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(dict.fromkeys(names))}."
        raise click.ClickException(visible(f"There is no rule named {name}. {mend}"))
