"""`segments erase CUSTOMER`: what a customer asked to be forgotten."""

import click

from streams.cli.customer import CustomerId
from streams.cli.identities import all_ids
from streams.cli.produce import Sending, check_topic
from streams.cli.visible import visible
from streams.deployments.sources import sources_of
from streams.history.lines import Line
from streams.kafka.topics import profiles
from streams.settings.settings import read_settings

LONGEST_ID = 128
"""Bytes that a customer id may have."""


@click.command(name="erase")
@click.argument("customer", type=CustomerId())
def command(customer: str) -> None:
    """Erase CUSTOMER: a null profile in each profile source, upon which the workers and `deliver` forget them.

    The same is written for each id that is one customer with this one, by what the workers tell: who goes on, and who
    was merged. If none answers it is written for CUSTOMER alone, which the workers take for all of them; a rebuild
    does not, so call again then.

    The customer leaves all segments (reason erasure), the membership record becomes a null, and what the
    workers remember is dropped but for the instant of the erasure. A destination hears of the exit if it was
    sent an enter. Kafka itself keeps records that were written before until their retention is over:
    deploy/privacy.md says which, and how long.
    """
    if not 1 <= len(customer.encode()) <= LONGEST_ID:
        raise click.UsageError(
            f"expected a customer id of 1 to {LONGEST_ID} bytes, got {len(customer.encode())}"
        )
    settings = read_settings()
    topics = profiles(sources_of(settings))
    for topic in topics:
        check_topic(settings, topic)
    ids = all_ids(settings, customer)
    for topic in topics:
        with Sending(settings, topic) as sending:
            for each in ids:
                sending.send(Line("erase", {"customer_id": each}, {"erase": True}))
            sending.finish()
    for each in ids:
        click.echo(
            f"{visible(each)}: a null was written to {', '.join(topics)}; the workers forget them", err=True
        )
