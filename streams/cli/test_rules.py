"""`segments test`: the stories of the rules, each lived through the engine of the worker."""

import sys

import click

from segments.insight.proving import engine, failures
from segments.language import Segment
from segments.language.checking.lint import refuse
from segments.language.errors import RuleError
from segments.language.stories.reader import read_stories
from segments.language.words.phrases import Say, phrases
from segments.language.words.sentence import Language
from streams.cli.language import LANGUAGE
from streams.cli.rule_paths import rules_in
from streams.settings.settings import Settings, read_settings


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@LANGUAGE
def command(paths: tuple[str, ...], language: Language | None) -> None:
    """Run the stories of rules: folders or files, by default those of SEGMENTS_RULES.

    Exit code 1 if a story fails.
    """
    settings = read_settings()
    segments = rules_in(paths, settings)
    refuse(segments)
    say = phrases(language or settings.language or "en")
    failed = sum(_run(segment, settings, say) for segment in segments)
    said = say("all stories come true")
    if failed:
        said = (
            say("{count} story fails", count=1) if failed == 1 else say("{count} stories fail", count=failed)
        )
    count = len(segments)
    rules = say("{count} rule", count=1) if count == 1 else say("{count} rules", count=count)
    click.echo(f"{rules}: {said}")
    sys.exit(1 if failed else 0)


def _run(segment: Segment, settings: Settings, say: Say) -> int:
    """How many stories of a rule fail, each told with file and line as soon as the rule is done.

    Stories that can't be read are one failure; the stories of other rules are run all the same.
    """
    try:
        count = len(read_stories(segment, settings.currency, settings.timezone))
    except RuleError as error:
        _tell(segment, say("the stories cannot be read"), str(error).splitlines(), say)
        return 1
    errors = failures(segment, engine, settings.currency, settings.timezone, say)
    stories = say("{count} story", count=1) if count == 1 else say("{count} stories", count=count)
    said = say("{failed} of {stories}", failed=len(errors), stories=stories) if errors else stories
    _tell(segment, said, [line for error in errors for line in str(error).splitlines()], say)
    return len(errors)


def _tell(segment: Segment, said: str, lines: list[str], say: Say) -> None:
    mark = click.style(say("FAILS"), fg="red") if lines else click.style(say("ok   "), fg="green")
    click.echo(f"{mark} {segment.id}: {said}")
    for line in lines:
        click.echo(f"      {line}")
