"""`segments identities`: which ids are one customer."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import click

from streams.cli.customer import CustomerId
from streams.cli.visible import json_line, visible
from streams.cli.why import asked
from streams.errors import StreamsError
from streams.settings.settings import Settings, read_settings


@click.command(name="identities")
@click.argument("customer", type=CustomerId())
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(customer: str, as_json: bool) -> None:
    """List the ids that were merged into CUSTOMER, or into the customer that this id goes on as.

    The worker that owns the customer's partition answers. An id is listed for as long as the rules look back after the
    latest record that came by it.
    """
    found = identities(read_settings(), customer)
    if as_json:
        click.echo(json_line(found))
    else:
        for line in _told(found):
            click.echo(visible(line))


def identities(settings: Settings, customer: str) -> dict[str, Any]:
    """The ids that are one customer with this one; StreamsError if no worker answers.

    `customer_id`: who goes on; `redirected_from`: the ids that were followed to there; `merged`: for each id merged
    into it `customer_id`, `link`, `at` (the latest instant, ISO 8601), and `refused`, if its state waits among the
    dead letters.
    """
    answer = asked(settings, customer)
    merged = (answer["identity"] or {}).get("merged", [])
    return {
        "customer_id": answer["customer_id"],
        "redirected_from": answer["redirected_from"],
        "merged": sorted(merged, key=lambda each: (each["customer_id"], each["link"])),
    }


def all_ids(settings: Settings, customer: str) -> list[str]:
    """The ids that are one customer with this one, this one first; itself alone, which is said, if no worker tells."""
    try:
        found = identities(settings, customer)
    except StreamsError as error:
        click.echo(
            f"which ids were merged is not known, since no worker tells: {visible(str(error))}", err=True
        )
        return [customer]
    return ids_in(found | {"identity": found}, customer)


def ids_in(answer: dict[str, Any], customer: str) -> list[str]:
    """The ids that are one customer by an answer about an id, that one first."""
    merged = [each["customer_id"] for each in (answer["identity"] or {}).get("merged", ())]
    return list(dict.fromkeys((customer, *answer["redirected_from"], answer["customer_id"], *merged)))


def _told(found: dict[str, Any]) -> Iterator[str]:
    for name, into in pairwise((*found["redirected_from"], found["customer_id"])):
        yield f"{name} goes on as {into}"
    if not found["merged"]:
        yield f"{found['customer_id']}: no other id was merged into it"
    for each in found["merged"]:
        refused = ", refused: its state waits among the dead letters" if each["refused"] else ""
        yield f"{found['customer_id']}: {each['customer_id']} by the link {each['link']}, last {each['at']}{refused}"
