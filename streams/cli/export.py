"""`segments export CUSTOMER`: all that is known of a customer."""

from typing import Any

import click

import schemas
from streams.cli.consume import line_of
from streams.cli.customer import CustomerId
from streams.cli.dead_letters import as_line
from streams.cli.visible import json_line, json_text, visible
from streams.cli.why import asked
from streams.clock import wall_clock
from streams.delivery.ledger import delivered
from streams.errors import StreamsError
from streams.jobs.dead_letters import DELIVERIES, letter_of
from streams.jobs.export import letters, records
from streams.kafka.read_committed import DEAD_LETTERS, committed_reader
from streams.kafka.topics import TOPICS
from streams.settings.settings import Settings, read_settings


@click.command(name="export")
@click.argument("customer", type=CustomerId())
@click.option("--json", "as_json", is_flag=True, help="The object on one line.")
def command(customer: str, as_json: bool) -> None:
    """Print all that is known of CUSTOMER, as one JSON object, to answer an access request.

    `topics` has what each topic still holds of them, as `segments consume` prints it: what was sent to us, the
    segments that were entered and left with their reasons, the memberships as they are, refused records.
    `now` is what the workers say of them (as `segments why --json`), null if none runs. `delivered` is what each
    destination of `segments deliver` was sent, by the files of this SEGMENTS_DATA_DIR.
    """
    found = exported(read_settings(), customer)
    click.echo(json_line(found) if as_json else json_text(found))


def exported(settings: Settings, customer: str) -> dict[str, Any]:
    """All that is known of a customer."""
    return {
        "customer_id": customer,
        "as_of": schemas.to_iso(wall_clock()),
        "topics": _topics(settings, customer),
        "now": _now(settings, customer),
        "delivered": delivered(settings.data_dir / "deliver", customer),
    }


def _topics(settings: Settings, customer: str) -> dict[str, list[dict[str, Any]]]:
    with committed_reader(settings) as consumer:
        found = {
            topic.name: [line_of(record) for record in records(consumer, settings, topic.name, customer)]
            for topic in TOPICS
            if topic.name not in (DEAD_LETTERS, DELIVERIES)
        }
        given_up = records(consumer, settings, DELIVERIES, customer)
        found[DELIVERIES] = [as_line(letter_of(each), None) for each in given_up]
        found[DEAD_LETTERS] = [as_line(each, None) for each in letters(consumer, settings, customer)]
    return found


def _now(settings: Settings, customer: str) -> dict[str, Any] | None:
    """What the worker that owns the customer's partition says; None if there is none, which is said."""
    try:
        return asked(settings, customer)
    except StreamsError as error:
        click.echo(f"now: null, since no worker tells: {visible(str(error))}", err=True)
        return None
