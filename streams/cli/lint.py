"""`segments lint`: what is wrong with the rules, with file, line, reason and mend."""

import sys

import click

from segments.language.checking.lint import lint
from streams.cli.rule_paths import rules_in
from streams.clock import wall_clock
from streams.settings.settings import read_settings


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1)
def command(paths: tuple[str, ...]) -> None:
    """Check rules: folders or files, by default those of SEGMENTS_RULES. Exit code 1 if anything is found.

    A worker and a replay do not start with a rule that has a finding marked 'refused'.
    """
    settings = read_settings()
    segments = rules_in(paths, settings)
    findings = lint(segments, settings.timezone, wall_clock())
    for finding in findings:
        click.echo(f"{finding}{' (refused)' if finding.blocking else ''}")
    refused = sum(finding.blocking for finding in findings)
    found = f"{_of(len(findings), 'finding')}, {refused} refused" if findings else "nothing to mend"
    click.echo(f"{_of(len(segments), 'rule')}: {found}", err=bool(findings))
    sys.exit(1 if findings else 0)


def _of(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
