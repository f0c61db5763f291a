"""What a transaction costs: `python -m tests.benchmarks.transaction`.

Each partition's producer commits finished batches and offsets and rests, as a worker does at a steady rate. The first
turn is left out: the broker compiles its code in it.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import click
import uvloop

from segments.engine import batches_of
from segments.language.catalogue import CLICKSTREAM, PROFILES, TRANSACTIONS
from streams.clock import wall_clock
from streams.kafka.connection import connection
from streams.kafka.topics import changelog
from streams.settings.settings import Settings
from streams.transport import TransactionalProducer
from streams.transport.producer import Batches
from streams.worker.outbox import SEGMENT_EVENTS, SEGMENT_MEMBERSHIPS
from tests.benchmarks.latency import percentile
from tests.benchmarks.rig import Site

GROUP = "segments"
RULES = Path("segments")
"""The rules are not looked at."""
SIZE = 150
"""Bytes of a record's value: about that of a segment event."""


def batches(records: int) -> Batches:
    """What a small transaction writes: so many records in each of three topics."""
    rows = {b"customer-%d" % number: bytes(SIZE) for number in range(records)}
    topics = (SEGMENT_EVENTS, SEGMENT_MEMBERSHIPS, changelog(GROUP).name)
    return {topic: list(batches_of(rows, wall_clock())) for topic in topics}


async def turn(
    site: Site, partitions: int, count: int, rest: float, records: int
) -> tuple[float, float, float]:
    """Return CPU milliseconds of client and broker for each transaction, and the median of its own milliseconds."""
    client = connection(Settings(brokers=site.address, rules=(RULES,)))
    producers = [TransactionalProducer(client, GROUP, number) for number in range(partitions)]
    taken: list[float] = []

    async def serve(producer: TransactionalProducer) -> None:
        for number in range(1, count + 1):
            made = batches(records)
            began = time.perf_counter()
            await producer.commit(
                made, dict.fromkeys((CLICKSTREAM.name, TRANSACTIONS.name, PROFILES.name), number)
            )
            taken.append(time.perf_counter() - began)
            await asyncio.sleep(rest)

    try:
        for producer in producers:
            await producer.start()
            # The first transaction asks for the leaders of the topics, too.
            await producer.commit(batches(1), {CLICKSTREAM.name: 0})
        began, broker = time.process_time(), site.broker_cpu
        await asyncio.gather(*map(serve, producers))
        spent, broker = time.process_time() - began, site.broker_cpu - broker
    finally:
        for producer in producers:
            await producer.abandon()
    each = 1000 / (count * partitions)
    return spent * each, broker * each, percentile([one * 1000 for one in sorted(taken)], 50) or 0.0


@click.command()
@click.option("--partitions", default=4, show_default=True)
@click.option("--count", default=200, show_default=True, help="Transactions of a partition in a turn.")
@click.option("--rest", default=30, show_default=True, help="Milliseconds between two of them.")
@click.option("--records", default=30, show_default=True, help="Records in each of three topics.")
@click.option("--turns", default=5, show_default=True)
def program(partitions: int, count: int, rest: int, records: int, turns: int) -> None:
    """Print a table of what a transaction costs."""
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), partitions) as site:
        rows = [uvloop.run(turn(site, partitions, count, rest / 1000, records)) for _ in range(turns + 1)]
    click.echo(
        f"| a transaction, median of {turns} turns, {partitions} partitions | ms | lowest to highest |"
    )
    click.echo("|---|---|---|")
    said = ("CPU of the worker's process", "CPU of the broker", "from the first request to the last answer")
    for what, found in zip(said, zip(*rows[1:], strict=True), strict=True):
        click.echo(f"| {what} | {statistics.median(found):.1f} | {min(found):.1f} to {max(found):.1f} |")


if __name__ == "__main__":
    program()
