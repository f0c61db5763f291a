"""`segments test`: the stories of the rules, each lived through the engine of the worker."""

import sys

import click

from segments.insight.proving import engine, failures
from segments.language import Segment
from segments.language.checking.lint import refuse
from segments.language.errors import RuleError
from segments.language.stories.reader import read_stories
from streams.cli.rule_paths import rules_in
from streams.settings.settings import Settings, read_settings


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1)
def command(paths: tuple[str, ...]) -> None:
    """Run the stories of rules: folders or files, by default those of SEGMENTS_RULES.

    Exit code 1 if a story fails.
    """
    settings = read_settings()
    segments = rules_in(paths, settings)
    refuse(segments)
    failed = sum(_run(segment, settings) for segment in segments)
    said = f"{_of(failed, 'story fails', 'stories fail')}" if failed else "all stories come true"
    click.echo(f"{_of(len(segments), 'rule', 'rules')}: {said}")
    sys.exit(1 if failed else 0)


def _run(segment: Segment, settings: Settings) -> int:
    """How many stories of a rule fail, each told with file and line as soon as the rule is done.

    Stories that can't be read are one failure; the stories of other rules are run all the same.
    """
    try:
        count = len(read_stories(segment, settings.currency, settings.timezone))
    except RuleError as error:
        _tell(segment, "the stories cannot be read", str(error).splitlines())
        return 1
    errors = failures(segment, engine, settings.currency, settings.timezone)
    said = f"{len(errors)} of {_of(count, 'story', 'stories')}" if errors else _of(count, "story", "stories")
    _tell(segment, said, [line for error in errors for line in str(error).splitlines()])
    return len(errors)


def _tell(segment: Segment, said: str, lines: list[str]) -> None:
    mark = click.style("FAILS", fg="red") if lines else click.style("ok   ", fg="green")
    click.echo(f"{mark} {segment.id}: {said}")
    for line in lines:
        click.echo(f"      {line}")


def _of(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
