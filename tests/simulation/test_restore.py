"""A restoration says how far it is."""

import asyncio
import logging
import random
from types import SimpleNamespace

from aiokafka import TopicPartition

import streams.store.restore
from streams.store.stores import MemoryStore
from streams.telemetry.metrics import Metrics
from streams.worker.context import Limits
from streams.worker.owner import Owner
from tests.simulation.clock import run
from tests.simulation.kafka import Kafka
from tests.simulation.made_up import made_up
from tests.simulation.network import Network, Process

CHANGELOG = TopicPartition("changelog", 0)
RECORDS = 20_000


def test_a_restoration_tells_how_much_remains(caplog) -> None:
    """Ever less, down to nothing: to the metric at each step, to the log every two seconds, and at its end."""
    kafka, told = Kafka(), []
    for number in range(RECORDS):
        kafka.append(tuple(CHANGELOG), [(b"c%d" % number, b"state", ())], 0)
    store = MemoryStore()

    async def restore() -> int:
        client = {"bootstrap_servers": (Network(kafka, random.Random(1)), Process("w"))}
        return await streams.store.restore.restore(store, client, CHANGELOG, (0, RECORDS), told.append)

    with made_up(lambda: asyncio.get_running_loop().time(), lambda: 0, []):
        logging.disable(logging.NOTSET)
        with caplog.at_level(logging.INFO, "streams.store.restore"):
            assert run(restore()) == RECORDS
    assert told[0] == RECORDS
    assert told[-1] == 0
    assert told == sorted(told, reverse=True)
    assert len(dict(store.items())) == RECORDS
    said = [record.getMessage() for record in caplog.records]
    assert any(f"of {RECORDS} offsets remain" in line for line in said), said
    assert said[-1].startswith(f"changelog-0: restored {RECORDS} records in")


def test_what_remains_is_a_gauge() -> None:
    """A partition that is restored shows at each scrape how many offsets are still to be read."""
    metrics = Metrics()
    owner = Owner(SimpleNamespace(), SimpleNamespace(metrics=metrics), 3, Limits(10, 1.0, event_clock=False))
    metrics.watch(lambda: [owner.state()])
    for remaining in (4_711, 0):
        owner._standing.restoring(remaining)
        line = f'segments_recovery_remaining_records{{partition="3"}} {float(remaining)}'
        assert line in metrics.text().decode().splitlines()
