"""`segments members SEGMENT`: who is in a segment, for tools that take a file."""

import csv
import difflib
import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, Any

import click

import schemas
from segments.engine import IDENTITIES, EngineSettings
from streams.cli.instant import Instant
from streams.cli.replay import deployed_or, deploying_of, effects_of
from streams.cli.visible import json_line, visible
from streams.cli.what_runs import known_rules
from streams.delivery.customers import Customers
from streams.delivery.members import Member, Now, Then, chosen, decoded, reach
from streams.deployments.sources import sources_of
from streams.errors import StreamsError
from streams.history.files import read_log
from streams.kafka.read_committed import assign, committed_reader, partitions_of, until
from streams.kafka.topics import profiles
from streams.registry.registry import connect
from streams.settings.settings import Settings, read_settings

EVENTS = "segment-events"
COLUMNS = ("customer_id", "value", "entered_at", "valid_until", "details")
LAST = 253_402_300_799_999
"""The last instant that has a date, in milliseconds: later than any event."""


@click.command(name="members")
@click.argument("segment")
@click.option("--value", metavar="VALUE", help="Only those who are in the segment for this value.")
@click.option(
    "--at",
    metavar="TIME",
    type=Instant(),
    help="As it was at this instant, as far as the segment events reach.",
)
@click.option(
    "--arm",
    type=click.Choice(["treated", "control", "all"]),
    default="treated",
    show_default=True,
    help="treated: all but the control group, which whoever acts leaves alone.",
)
@click.option(
    "--file", "files", multiple=True, type=click.File("rb"), help="By a file of events, without Kafka."
)
@click.option("--csv", "form", flag_value="csv", help="CSV, with a line that names the columns.")
@click.option("--json", "form", flag_value="json", help="JSON, one object a line.")
def command(
    segment: str, value: str | None, at: int | None, arm: str, files: tuple[IO[bytes], ...], form: str | None
) -> None:
    """List the members of SEGMENT: customer_id, value, entered_at, valid_until, details.

    From the memberships as they are now. With --at from the segment events: as far back as Kafka keeps them, which
    is said on stderr, and from the memberships of who has been in since before that; who was erased since is left
    out. With --file from the events of a file, through the
    rules of SEGMENTS_RULES or those that the file deploys, up to --at or the end of the file. The control group of
    an experiment is left out
    unless asked for with --arm.
    """
    settings = read_settings()
    if files:
        found: Now | Then = _of_files(settings, segment, files, at)
    elif at is None:
        found = _now(settings, segment)
    else:
        found = _then(settings, segment, at)
    members = list(found.members())
    if segment not in found.known and segment not in (known := found.known | known_rules(settings)):
        near = difflib.get_close_matches(segment, known, n=1)
        raise StreamsError(
            f"nobody was ever in {segment}, and no such rule is deployed or in SEGMENTS_RULES"
            + (f": did you mean {near[0]}?" if near else "")
        )
    if isinstance(found, Then) and found.erased:
        count = len(found.erased)
        were = "customer was" if count == 1 else "customers were"
        click.echo(f"{count:,} {were} erased since, and left out", err=True)
    _print(chosen(members, value, arm), form)


def _now(settings: Settings, segment: str) -> Now:
    found = Now(segment)
    for record in _committed(settings, "segment-memberships"):
        found.add(record.key, record.value)
    return found


def _then(settings: Settings, segment: str, at: int) -> Then:
    customers = Customers(sqlite3.connect("", isolation_level=None))
    found = Then(segment, at, _now(settings, segment), customers.erased_at)
    for topic in profiles(sources_of(settings)):
        for record in _committed(settings, topic, decodes=False):
            if record.key is not None:
                customers.profile(topic, record.key.decode(errors="replace"), record.value, record.timestamp)
    for record in _committed(settings, IDENTITIES):
        with suppress(schemas.DecodeError, UnicodeDecodeError, AttributeError):
            customers.link(record.key.decode(), record.value, record.timestamp)
    oldest: dict[int, int] = {}
    for record in _committed(settings, EVENTS):
        oldest.setdefault(record.partition, record.timestamp)
        event = decoded(record.value)
        if event is not None:
            found.add(event)
    click.echo(f"as of {schemas.to_iso(at)}: {reach(_begins(settings), oldest)}", err=True)
    return found


def _begins(settings: Settings) -> dict[int, int]:
    """The first offset of each partition of the segment events."""
    with committed_reader(settings) as consumer:
        found = consumer.beginning_offsets(partitions_of(consumer, EVENTS))
    return {each.partition: offset for each, offset in found.items()}


def _committed(settings: Settings, topic: str, *, decodes: bool = True) -> Iterator[Any]:
    """All committed records of a topic, each partition in its order; their schemas are known if they are decoded."""
    registry = connect(settings) if decodes else None
    with committed_reader(settings) as consumer:
        ends = assign(consumer, partitions_of(consumer, topic), from_beginning=True)
        for batch in until(consumer, ends, settings):
            if registry is not None:
                registry.learn_all(topic, (record.value for record in batch))
            yield from batch


def _of_files(settings: Settings, segment: str, files: tuple[IO[bytes], ...], at: int | None) -> Then:
    """By the worker's engine; no clock is read: without --at it is as of the last event."""
    found = Then(segment, LAST if at is None else at)
    engine = EngineSettings.of(settings)
    deploying = deploying_of(settings)
    logs = read_log(files, None, at, deploying=deploying)
    rules = deployed_or(deploying, (), settings)
    for effects in effects_of(logs, rules, engine, at, deploying):
        for _, event in effects.segment_events:
            found.add(event)
    return found


def _print(members: Iterable[Member], form: str | None) -> None:
    lines = (each.line() for each in members)
    if form == "json":
        for line in lines:
            click.echo(json_line(line))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_cells(line) for line in lines)
    else:
        rows = [COLUMNS, *(tuple(map(visible, _cells(line))) for line in lines)]
        widths = [max(len(row[place]) for row in rows) for place in range(len(COLUMNS))]
        for row in rows:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cells(line: dict[str, Any]) -> tuple[str, ...]:
    """The texts of a row: nothing for null and for no details."""
    details = json.dumps(line["details"], ensure_ascii=False) if line["details"] else ""
    return (*(line[name] or "" for name in COLUMNS[:-1]), details)
