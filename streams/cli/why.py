"""`segments why`: in or out, the values, what would change it, and when it flips by itself."""

import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import click

from segments.engine import (
    BEFORE_ALL,
    Border,
    EngineSettings,
    load,
    partition_of,
)
from segments.insight.alone import Alone
from segments.insight.identity import followed
from segments.insight.in_words import InWords
from segments.insight.tally import Tally
from segments.insight.why import why
from segments.language.errors import SegmentsError
from segments.language.words.phrases import phrases
from segments.language.words.sentence import Language
from streams.cli.border_file import borders_option, read_borders
from streams.cli.customer import CustomerId
from streams.cli.instant import Instant
from streams.cli.language import LANGUAGE, NOTATION
from streams.cli.replay import deployed_or, deploying_of
from streams.cli.visible import json_line, visible
from streams.cli.what_runs import Shown, shown
from streams.cli.why_linked import linked_files, require_segment, why_linked
from streams.cli.why_text import instants_told, told
from streams.history.files import disorder_lines, read_one
from streams.http.client import answer_of
from streams.kafka import topics
from streams.settings.settings import Settings, read_settings

TIMEOUT = 10.0
"""Seconds that a worker has to answer."""


@click.command(name="why")
@click.argument("customer", type=CustomerId())
@click.argument("segment", required=False)
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.File("rb"),
    help="Ask of a file of events instead of the workers.",
)
@click.option("--until", metavar="TIME", type=Instant(), help="With --file: as of this instant.")
@click.option(
    "--rules", multiple=True, type=click.Path(exists=True, path_type=Path), help="With --file: other rules."
)
@click.option(
    "--partitions", metavar="N", type=click.IntRange(min=1), help="With --file: as many as the topics have."
)
@borders_option(
    "With --file alone; without it rules with borders are false, unless the file has deployments."
)
@click.option("--sort", is_flag=True, help="With --file: sort the lines of each topic by time first.")
@LANGUAGE
@NOTATION
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(
    customer: str,
    segment: str | None,
    files: tuple[IO[bytes], ...],
    until: int | None,
    rules: tuple[Path, ...],
    partitions: int | None,
    borders: Path | None,
    sort: bool,
    language: Language | None,
    notation: bool,
    as_json: bool,
) -> None:
    """Ask the running workers why a customer is in a segment, or not.

    The worker that owns the customer's partition answers. Workers that do not listen on the loopback require the
    token of SEGMENTS_HTTP_TOKEN. Of an id that was merged into another the answer is that of the one that goes on, and
    says so. Measures are told in words, by the rules that are known here.

    With --file the answer is as of the last event in the file, or of --until; of the lines of other customers only
    the times are read, and lines of `segment-deployments` say what the rules are.
    """
    settings = read_settings()
    if (until is not None or rules or partitions or borders or sort) and not files:
        raise click.UsageError("--until, --rules, --partitions, --borders and --sort go with --file.")
    answer = (
        _of_files(
            settings, customer, segment, files, until, rules, partitions, read_borders(borders), sort=sort
        )
        if files
        else _asked(settings, customer, segment)
    )
    if not files:
        _mark(answer, settings)
    if as_json:
        click.echo(json_line(instants_told(answer)))
        return
    language = language or settings.language
    known = _known(settings, rules, of_files=bool(files))
    titles = {} if language is None or known is None else _titles(known, language)
    words = None if notation or known is None else InWords(known.files, language or "en", known.currency)
    for line in told(answer, titles, phrases(language or "en"), words):
        click.echo(visible(line))


def _known(settings: Settings, paths: Sequence[Path], *, of_files: bool) -> Shown | None:
    """The rules that are known here; None if their files are wrong, or can't be read."""
    try:
        return shown(settings, tuple(map(str, paths or (settings.rules if of_files else ()))))
    except (SegmentsError, OSError):
        return None


def _titles(found: Shown, language: Language) -> dict[str, str]:
    """The titles of the rules in one language by id."""
    of_file = {each.id: each.nl if language == "nl" else each.en for each in found.files}
    recorded = {name: str(each[language]) for name, each in found.recorded.items()}
    return {name: title for name, title in (of_file | recorded).items() if title}


def _mark(answer: dict[str, Any], settings: Settings) -> None:
    """Beside each segment the version of its file in SEGMENTS_RULES, if that is an edit that is not deployed."""
    versions: dict[str, str] = {}
    if answer["deployment_id"] is not None:
        try:
            rules = load(
                settings.rules, settings.currency, settings.timezone, required=settings.required_consent
            )
        except SegmentsError as error:
            click.echo(f"the files of SEGMENTS_RULES are wrong: {visible(str(error))}", err=True)
        else:
            versions = dict(zip(rules.ids, rules.versions, strict=True))
    for each in answer["segments"]:
        here = versions.get(each["segment"])
        each["undeployed_version"] = None if here == each["segment_version"] else here


def asked(settings: Settings, customer: str) -> dict[str, Any]:
    """What the running workers say of a customer, as `--json` prints it; StreamsError if none answers."""
    return instants_told(_asked(settings, customer, None))


def _of_files(
    settings: Settings,
    customer: str,
    segment: str | None,
    files: tuple[IO[bytes], ...],
    until: int | None,
    rules: tuple[Path, ...],
    partitions: int | None,
    borders: Sequence[Border],
    *,
    sort: bool,
) -> dict[str, Any]:
    engine = EngineSettings.of(settings)
    deploying = deploying_of(settings)
    files, linked = linked_files(files)
    if linked:
        return why_linked(settings, customer, segment, files, until, rules, partitions, borders, sort=sort)
    found = read_one(files, customer, partitions, until, sort=sort, deploying=deploying)
    chosen = deployed_or(deploying, rules, settings, borders)
    as_of = found.latest if until is None else until
    followed = deploying.of(found.number, until)
    if chosen is None and not followed:
        raise SegmentsError(f"Nothing is deployed in partition {found.number}: its records wait.")
    alone = Alone(found.number, partitions or 1, chosen, engine, followed)
    tally = Tally()
    for effects in alone.run(found.log, as_of):
        tally.note(effects)
    require_segment(segment, alone.partition)
    for line in (*tally.lines(), *disorder_lines(0 if sort else found.out_of_order)):
        click.echo(visible(line), err=True)
    answer = why(alone.partition, customer, segment, BEFORE_ALL if as_of is None else as_of)
    return answer | {"redirected_from": []}


def _asked(settings: Settings, customer: str, segment: str | None) -> dict[str, Any]:
    """What the workers say of a customer, or of who they go on as: each partition is asked where it is served."""
    count = topics.require(settings)
    return followed(lambda each: _answer(settings, each, segment, count), customer) or {}


def _answer(settings: Settings, customer: str, segment: str | None, count: int) -> dict[str, Any]:
    from streams.kafka.group import owner

    where = owner(settings, topics.INPUTS[0], partition_of(customer.encode(), count))
    query = f"?segment={urllib.parse.quote(segment)}" if segment else ""
    path = f"/why/{urllib.parse.quote(customer, safe='')}{query}"
    answer: dict[str, Any] = answer_of(where, path, settings.why_token, TIMEOUT)
    return answer
