"""`segments export CUSTOMER`: all that is known of a customer."""

from typing import Any

import click

import schemas
from segments.engine import IDENTITIES
from streams.cli.consume import line_of
from streams.cli.customer import CustomerId
from streams.cli.dead_letters import as_line
from streams.cli.identities import ids_in
from streams.cli.visible import json_line, json_text, visible
from streams.cli.why import asked
from streams.clock import wall_clock
from streams.delivery.ledger import delivered
from streams.deployments.sources import sources_of
from streams.errors import StreamsError
from streams.jobs.dead_letters import DELIVERIES, letter_of
from streams.jobs.export import letters, links, records
from streams.kafka.read_committed import DEAD_LETTERS, committed_reader
from streams.kafka.topics import TOPICS, of_sources
from streams.settings.settings import Settings, read_settings


@click.command(name="export")
@click.argument("customer", type=CustomerId())
@click.option("--json", "as_json", is_flag=True, help="The object on one line.")
def command(customer: str, as_json: bool) -> None:
    """Print all that is known of CUSTOMER, as one JSON object, to answer an access request.

    `topics` has what each topic still holds of them, as `segments consume` prints it: what was sent to us, the
    segments that were entered and left with their reasons, the memberships as they are, refused records.
    `ids` are all that are one customer with this one, whose records are in `topics`, too.
    `now` is what the workers say of them (as `segments why --json`), null if none runs. `delivered` is what each
    destination of `segments deliver` was sent, by the files of this SEGMENTS_DATA_DIR; null if it has none.
    """
    found = exported(read_settings(), customer)
    click.echo(json_line(found) if as_json else json_text(found))


def exported(settings: Settings, customer: str) -> dict[str, Any]:
    """All that is known of a customer."""
    now = _now(settings, customer)
    ids = [customer] if now is None else ids_in(now, customer)
    return {
        "customer_id": customer,
        "ids": ids,
        "as_of": schemas.to_iso(wall_clock()),
        "topics": _topics(settings, ids),
        "now": now,
        "delivered": _delivered(settings, ids),
    }


def _delivered(settings: Settings, ids: list[str]) -> dict[str, list[dict[str, str | None]]] | None:
    """What each destination was sent; None, which is said, if nobody delivers with this SEGMENTS_DATA_DIR."""
    folder = settings.data_dir / "deliver"
    found: dict[str, list[dict[str, str | None]]] = {}
    for each in ids:
        sent = delivered(folder, each)
        if sent is None:
            click.echo(f"delivered: null, since there is no folder {visible(str(folder))}", err=True)
            return None
        for destination, flips in sent.items():
            found.setdefault(destination, []).extend(flips)
    return found


def _topics(settings: Settings, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    with committed_reader(settings) as consumer:
        found = {
            topic.name: [
                line_of(record) for each in ids for record in records(consumer, settings, topic.name, each)
            ]
            for topic in (*TOPICS, *of_sources(sources_of(settings)))
            # A key of the deployments is a group, not a customer.
            if topic.direction != "rules" and topic.name not in (DEAD_LETTERS, DELIVERIES, IDENTITIES)
        }
        found[IDENTITIES] = [line_of(record) for record in links(consumer, settings, ids)]
        given_up = (record for each in ids for record in records(consumer, settings, DELIVERIES, each))
        found[DELIVERIES] = [as_line(letter_of(each), None) for each in given_up]
        found[DEAD_LETTERS] = [as_line(each, None) for each in letters(consumer, settings, ids)]
    return found


def _now(settings: Settings, customer: str) -> dict[str, Any] | None:
    """What the worker that owns the customer's partition says; None if there is none, which is said."""
    try:
        return asked(settings, customer)
    except StreamsError as error:
        click.echo(f"now: null, since no worker tells: {visible(str(error))}", err=True)
        return None
