"""One worker and its customers in a Kafka in memory, for stories that need no faults."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from streams.worker.context import Limits
from tests.benchmarks.live import click
from tests.simulation.clock import run
from tests.simulation.kafka import Kafka
from tests.simulation.made_up import made_up
from tests.simulation.network import Network
from tests.simulation.schedule import ENGINE, RULES, START
from tests.simulation.worker import Table, Worker

CUSTOMERS = 600


def play(story: Callable[[Kafka], Coroutine[Any, Any, None]]) -> Kafka:
    """What a story, which must bring no error, leaves in Kafka."""
    kafka, errors = Kafka(), list[str]()
    with made_up(
        lambda: asyncio.get_running_loop().time(),
        lambda: START + int(asyncio.get_running_loop().time() * 1000),
        errors,
    ):
        run(story(kafka))
    assert not errors
    return kafka


def working(kafka: Kafka, limits: Limits) -> Worker:
    """A worker that has been given one partition, with an event of each customer in it."""
    kafka.later = asyncio.get_running_loop().call_later
    network = Network(kafka, random.Random(1))
    network.trouble = 0.0
    for number in range(CUSTOMERS):
        send(kafka, f"c{number}", START)
    worker = Worker(network, "w", RULES, ENGINE, limits, Table(), 1)
    worker.assign([0])
    return worker


def send(kafka: Kafka, customer: str, at: int) -> None:
    """A page view."""
    kafka.append(("clickstream", 0), [(customer.encode(), click(f"e-{customer}", customer, at), ())], at)
