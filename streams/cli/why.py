"""`segments why`: in or out, the values, what would change it, and when it flips by itself."""

import itertools
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import click

import schemas
from segments.engine import (
    BEFORE_ALL,
    TOO_OLD,
    Border,
    EngineSettings,
    load,
    notice_text,
    partition_of,
)
from segments.insight.alone import Alone
from segments.insight.identity import followed
from segments.insight.tally import Tally
from segments.insight.told import alternatives_text, evidence_lines
from segments.insight.why import INSTANTS, why
from segments.language.errors import SegmentsError
from segments.language.words.phrases import Say, phrases
from segments.language.words.sentence import Language
from streams.cli.border_file import borders_option, read_borders
from streams.cli.customer import CustomerId
from streams.cli.instant import Instant
from streams.cli.language import LANGUAGE
from streams.cli.replay import deployed_or, deploying_of
from streams.cli.visible import json_line, visible
from streams.cli.what_runs import shown
from streams.cli.why_linked import linked_files, require_segment, why_linked
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
    as_json: bool,
) -> None:
    """Ask the running workers why a customer is in a segment, or not.

    The worker that owns the customer's partition answers. Workers that do not listen on the loopback require the
    token of SEGMENTS_HTTP_TOKEN. Of an id that was merged into another the answer is that of the one that goes on, and
    says so. With --file the answer is as of the last event in the file, or of --until; of the
    lines of other customers only the times are read, and lines of `segment-deployments` say what the rules are.
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
        click.echo(json_line(_shown(answer)))
        return
    language = language or settings.language
    titles = {} if language is None else _titles(settings, rules, language, of_files=bool(files))
    for line in _told(answer, titles, phrases(language or "en")):
        click.echo(visible(line))


def _titles(
    settings: Settings, paths: Sequence[Path], language: Language, *, of_files: bool
) -> dict[str, str]:
    """The titles of the rules in one language by id, as far as they are known here."""
    try:
        found = shown(settings, tuple(map(str, paths or (settings.rules if of_files else ()))))
    except (SegmentsError, OSError):
        return {}
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
    return _shown(_asked(settings, customer, None))


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


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    """Instants as ISO 8601."""
    return {
        name: schemas.to_iso(value) if name in INSTANTS and value is not None else _deep(value)
        for name, value in answer.items()
    }


def _deep(value: Any) -> Any:
    if isinstance(value, dict):
        return _shown(value)
    if isinstance(value, list):
        return [_shown(each) if isinstance(each, dict) else each for each in value]
    return value


def _told(answer: dict[str, Any], titles: Mapping[str, str], say: Say) -> Iterator[str]:
    """The answer in lines; a segment by its title where one is given."""
    plain = _shown(answer)
    way = [*plain["redirected_from"], plain["customer_id"]]
    for name, into in itertools.pairwise(way):
        yield say("{name} goes on as {into}", name=name, into=into)
    yield say(
        "{customer}, as of {at}", customer=plain["customer_id"], at=plain["clock"] or say("the beginning")
    )
    if plain["deployment_id"] is not None:
        yield say("by deployment {id}", id=plain["deployment_id"])
    if not plain["known"]:
        yield say("Nothing is remembered of this customer, who is therefore in no segment.")
    for each in (plain["identity"] or {}).get("merged", ()):
        name = each["customer_id"]
        if each["refused"]:
            yield say("what {name} did is missing: its state waits among the dead letters", name=name)
        else:
            yield say("with what {name} did, which was merged", name=name)
    if plain.get("too_old"):
        notice = notice_text(TOO_OLD, plain["too_old"])
        yield say("{notice}, since the worker took the partition over", notice=notice)
    for each in plain["segments"]:
        yield ""
        since = say(" since {at}", at=each["entered_at"]) if each["inside"] else ""
        yield f"{say('in ') if each['inside'] else say('out')}  {_named(each, titles)}{since}"
        if each.get("undeployed_version") is not None:
            edited = say(
                "edited: version {version} in SEGMENTS_RULES is not deployed",
                version=each["undeployed_version"],
            )
            yield f"     {edited}"
        yield from (f"     {line}" for line in evidence_lines(each["evidence"], say))
        if each["would_change"]:
            what = alternatives_text(each["would_change"], say)
            yield f"     {say('would change it: {what}', what=what)}"
        yield f"     {say('by time alone: {what}', what=_by_time(each, say))}"
        if each["warming_until"]:
            warming = say("warming until {at}: it knows only later events", at=each["warming_until"])
            yield f"     {warming}"


def _named(each: dict[str, Any], titles: Mapping[str, str]) -> str:
    """A segment, with the value of one that has values, as evidence shows it."""
    name = titles.get(each["segment"], each["segment"])
    return name if each.get("value") is None else f"{name}[{each['value']}]"


def _by_time(each: dict[str, Any], say: Say) -> str:
    if each["flips_at"] is None:
        return say("it does not change")
    if each["inside"]:
        return say("leaves at {at} or later", at=each["flips_at"])
    return say("enters at {at} or later", at=each["flips_at"])
