"""How fast a rule set takes a partition over: `python -m tests.benchmarks.sweep --customers 1000000`.

Customers of one partition have some events each, by the twelve rules. Then a rule is deployed that nobody is in. The
engine is driven as a worker drives it, from record batches to finished batches of states, without Kafka: CPU time from
the making of the new partition until the last customer is in a batch that was committed. Before that the customers are
counted as a worker counts them for `segments deploy`.
"""

import random
import time
from collections.abc import Iterator
from typing import Any

import click

import schemas
from segments.engine import (
    DEPLOYMENTS,
    INPUTS,
    RULES,
    Deployment,
    EngineSettings,
    Moves,
    Outbox,
    Partition,
    RuleSet,
    States,
    load,
)
from segments.language import Segment, purchase
from streams.registry.readable import READABLE
from tests.benchmarks.load import HOUR, Load
from tests.benchmarks.running import TWELVE
from tests.simulation.batches import fetched
from tests.simulation.kafka import COMMITTED, Entry

START = 1_767_225_600_000
AT_ONCE = 20_000
"""Records in a run."""
TURN = 1_000
"""Customers taken over before a worker looks whether enough is gathered: `SLICE` of its service."""
NOBODY = Segment(id="nobody", en="Nobody", nl="Niemand", when=purchase.within(days=365).count() >= 1_000_000)


def deployed(offset: int, rules: RuleSet, follows: str | None) -> Deployment:
    """A deployment at the beginning."""
    settings = EngineSettings(grace=0)
    return Deployment(offset, START, f"d{offset}", follows, START, RULES, rules, settings)


def filled(rules: RuleSet, customers: int, each: int) -> States:
    """The states of customers after some events each."""
    states = States()
    partition = Partition.deployed(0, 1, deployed(0, rules, None), states)
    ends = dict.fromkeys(INPUTS, 0)
    for topic in INPUTS:
        partition.begin(topic, 0)
    outbox = _outbox()
    for topic, run in _runs(customers, each):
        start, ends[topic] = ends[topic], ends[topic] + len(run)
        entries = [Entry(topic, start + n, START + HOUR, *row, (), COMMITTED) for n, row in enumerate(run)]
        partition.offer_fetched(topic, fetched(entries, start, ends[topic]), READABLE, [])
        partition.confirm({**ends, DEPLOYMENTS: 1}, partition.stamp, None)
        while partition.advance():
            if partition.full:
                _commit(partition, outbox, states)
        _commit(partition, outbox, states)
    return states


def _runs(customers: int, each: int) -> Iterator[tuple[str, list[tuple[bytes, bytes]]]]:
    """Runs of one topic after the other, of customers in any order."""
    chance, shop = random.Random(5), Load()
    runs: dict[str, list[tuple[bytes, bytes]]] = {topic: [] for topic in INPUTS}
    for number in range(customers * each):
        at = START - HOUR + number * HOUR // (customers * each)
        topic, key, value = shop.one(chance, f"customer-{number * 7919 % customers}", at, number)
        runs[topic].append((key, value))
        if len(runs[topic]) == AT_ONCE:
            yield topic, runs[topic]
            runs[topic] = []
    yield from ((topic, run) for topic, run in runs.items() if run)


def _outbox() -> Any:
    events = (schemas.SEGMENT_EVENT, schemas.SEGMENT_MEMBERSHIPS, schemas.SEGMENT_OUTCOME)
    return Outbox("bench", 0, *map(schemas.written_id, events))


def _commit(partition: Partition, outbox: Any, states: States) -> int:
    """Collect, and put into the states what a transaction would have committed; returns its bytes."""
    transaction = partition.collect(outbox, START)
    if transaction is None:
        return 0
    size = sum(batch.size() for batches in transaction.batches() for batch in batches)
    transaction.apply_to(states)
    return size


def counted(rules: RuleSet, states: States) -> float:
    """CPU seconds until it is known who would flip."""
    began = time.process_time()
    moves = Moves(rules.native, 1, states, set())
    while moves.advance(TURN):
        pass
    return time.process_time() - began


def swept(rules: RuleSet, states: States) -> tuple[float, float, int, int]:
    """CPU seconds until all are taken over, and of them before the first one; transactions, and their bytes."""
    outbox, began = _outbox(), time.process_time()
    partition = Partition.deployed(0, 1, deployed(1, rules, "d0"), states)
    scanned, count, size = time.process_time() - began, 0, 0
    while partition.sweeping:
        partition.advance(TURN)
        if partition.full or not partition.sweeping:
            count, size = count + 1, size + _commit(partition, outbox, states)
    return time.process_time() - began, scanned, count, size


@click.command()
@click.option("--customers", default=100_000, show_default=True, help="Customers of the partition.")
@click.option("--events", default=5, show_default=True, help="Events of each.")
def program(customers: int, events: int) -> None:
    """Print how long the take-over takes."""
    rules = load([TWELVE])
    states = filled(rules, customers, events)
    told = f"{states.bytes / len(states):.0f} bytes of state each"
    after = RuleSet([*rules.segments, NOBODY])
    click.echo(f"{customers:,} customers counted in {counted(after, states):.2f} s of CPU")
    seconds, scanned, count, size = swept(after, states)
    click.echo(
        f"{customers:,} customers with {events} events, {told}: taken over in {seconds:.2f} s of CPU, the scan of all "
        f"{scanned:.2f} s of it, {1e6 * seconds / customers:.2f} µs each; {count} transactions of "
        f"{size / max(1, count) / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    program()
