"""`segments try RULE`: a rule on events of the past, before it runs."""

from pathlib import Path
from typing import IO

import click

from segments.engine import EngineSettings
from segments.language.words.phrases import phrases
from segments.language.words.sentence import Language
from streams.cli.instant import Instant
from streams.cli.language import LANGUAGE
from streams.cli.progress import bar
from streams.cli.trial_text import told
from streams.cli.visible import json_line
from streams.jobs import trial
from streams.settings.settings import read_settings


@click.command(name="try")
@click.argument("rule")
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3650),
    default=30,
    show_default=True,
    help="Days of the chart.",
)
@click.option(
    "--file", "files", multiple=True, type=click.File("rb"), help="JSON lines instead of the input topics."
)
@click.option(
    "--partitions", metavar="N", type=click.IntRange(min=1), help="With --file: as many as the topics have."
)
@click.option("--sort", is_flag=True, help="With --file: sort the lines of each topic by time first.")
@click.option("--until", metavar="TIME", type=Instant(), help="As of this instant; read no later event.")
@click.option(
    "--against",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What runs now. Default: the rule of the same id in SEGMENTS_RULES, if it is another file.",
)
@LANGUAGE
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    rule: str,
    days: int,
    files: tuple[IO[bytes], ...],
    partitions: int | None,
    sort: bool,
    until: int | None,
    against: Path | None,
    language: Language | None,
    as_json: bool,
) -> None:
    """Try RULE, a rule file or an id, on past events: who would be in it now, who entered and left each day.

    The command reads the input topics as far back as the rules need, and writes nothing. RULE is tried together with
    the rules of SEGMENTS_RULES. If the name of the file is the id of one of them, it is an edit of that rule: the
    command shows who would stay, enter and leave.
    """
    if (partitions is not None or sort) and not files:
        raise click.UsageError("--partitions goes with --file, and so does --sort.")
    settings = read_settings()
    engine = EngineSettings.of(settings)
    tried = trial.find(rule, against, settings)
    now = trial.present(settings, files, until)
    since = None if now is None else trial.needed_since(tried, now, days)
    with trial.past(settings, files, partitions, since, until, sort=sort) as history:
        with bar(history.length) as progress:
            found = trial.run(tried, history, engine, now, progress)
        if as_json:
            click.echo(json_line(trial.as_json(found, days, since, history)))
        else:
            language = language or settings.language or "en"
            title = tried.segment.nl if language == "nl" else tried.segment.en
            for line in told(found, days, title, history, phrases(language)):
                click.echo(line)
