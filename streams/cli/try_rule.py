"""`segments try RULE`: a rule on events of the past, before it runs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import click

from segments.engine import Border, EngineSettings
from segments.insight.deploying import Deploying
from segments.insight.in_words import InWords
from segments.language.nodes.segment import Segment
from segments.language.words.phrases import phrases
from segments.language.words.sentence import Language
from streams.cli.border_file import borders_option, read_borders
from streams.cli.instant import Instant
from streams.cli.language import LANGUAGE, NOTATION
from streams.cli.progress import bar
from streams.cli.replay import deploying_of
from streams.cli.sizes_text import told_of_all
from streams.cli.trial_text import told
from streams.cli.visible import json_line
from streams.errors import TopicsError
from streams.history.reader import History
from streams.jobs import trial, trial_borders
from streams.jobs.trial_borders import ReadBorder
from streams.jobs.trial_of_all import AllRules, as_json_of_all, find_all, needed_since_all, run_all
from streams.settings.settings import Settings, read_settings

Trial = trial.TrialRules | AllRules


@click.command(name="try")
@click.argument("rule", required=False)
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
@borders_option("Default: those published; else they are taken from the history itself.")
@LANGUAGE
@NOTATION
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(
    rule: str | None,
    days: int,
    files: tuple[IO[bytes], ...],
    partitions: int | None,
    sort: bool,
    until: int | None,
    against: Path | None,
    borders: Path | None,
    language: Language | None,
    notation: bool,
    as_json: bool,
) -> None:
    """Try RULE, a rule file or an id, on past events: who would be in it now, who entered and left each day.

    Without RULE all rules are tried in one pass: how large each segment is, who is in none, which have customers in
    common, and the values of each condition around its bound.

    The command reads the input topics as far back as the rules need, and writes nothing. RULE is tried together with
    the rules of SEGMENTS_RULES. If the name of the file is the id of one of them, it is an edit of that rule: the
    command shows who would stay, enter and leave.

    A border, `top(percent=10)`, is that of --borders, or else the one published: by the lines of `segment-deployments`
    in the files, or in the topic. If there is none, the history is read twice: first to take the border of all
    customers at its end, then to try the rule with it; the output says so.
    """
    _require(
        is_file=bool(files) or (partitions is None and not sort), is_one=rule is not None or against is None
    )
    settings = read_settings()
    engine = EngineSettings.of(settings)
    now = trial.present(settings, files, until)
    tried = find_all(settings) if rule is None else trial.find(rule, against, settings)
    since = None if now is None else _needed_since(tried, now, days)
    deploying = deploying_of(settings) if files else None
    given = read_borders(borders)
    with trial.past(settings, files, partitions, since, until, sort=sort, deploying=deploying) as history:
        tried, read = _with_borders(tried, given, settings, deploying, history, now)
        language = language or settings.language or "en"
        words = None if notation else _in_words(tried, language, settings.currency)
        last = phrases(language), read, words
        lines: Iterator[str]
        with bar(history.length) as progress:
            if isinstance(tried, AllRules):
                all_found = run_all(tried, history, engine, now, progress)
                plain = as_json_of_all(all_found, days, since, history, read)
                lines = told_of_all(all_found, plain, _titles(tried, language), history, *last)
            else:
                found = trial.run(tried, history, engine, now, progress)
                plain = trial.as_json(found, days, since, history, read)
                lines = told(found, days, _title(tried.segment, language), history, *last)
        for line in [json_line(plain)] if as_json else lines:
            click.echo(line)


def _require(*, is_file: bool, is_one: bool) -> None:
    """Options that go with others."""
    if not is_file:
        raise click.UsageError("--partitions goes with --file, and so does --sort.")
    if not is_one:
        raise click.UsageError("--against compares one rule: name a RULE, too.")


def _in_words(tried: Trial, language: Language, currency: str) -> InWords:
    return InWords((each for rules in tried.sets for each in rules.segments), language, currency)


def _titles(tried: AllRules, language: Language) -> dict[str, str]:
    return {each.id: _title(each, language) for each in tried.rules.segments}


def _title(segment: Segment, language: Language) -> str:
    return segment.nl if language == "nl" else segment.en


def _needed_since(tried: trial.TrialRules | AllRules, now: int, days: int) -> int | None:
    if isinstance(tried, AllRules):
        return needed_since_all(tried, now, days)
    return trial.needed_since(tried, now, days)


def _published(settings: Settings) -> tuple[Border, ...]:
    """The borders of the group's last deployment."""
    from streams.deployments.records import read_chains

    try:
        return read_chains(settings).borders
    except TopicsError:
        return ()  # Nothing was ever deployed.


def _with_borders(
    tried: Trial,
    given: Sequence[Border],
    settings: Settings,
    deploying: Deploying | None,
    history: History,
    now: int | None,
) -> tuple[Trial, list[ReadBorder]]:
    """The rules with the borders that they read: those given, else those published, else those of the history."""
    if not trial_borders.keys_of(tried.sets):
        return tried, []
    held = given or (_published(settings) if deploying is None else trial_borders.told_by(deploying, now))
    wanted, found = trial_borders.missing(tried.sets, held), tuple[Border, ...]()
    if wanted:
        engine, consent = EngineSettings.of(settings), settings.required_consent
        with bar(history.length, "taking borders") as progress:
            found = trial_borders.taken(tried.sets, wanted, history, engine, now, consent, progress)
    return tried.compared_with((*held, *found)), trial_borders.read_by(tried.sets, held, found)
