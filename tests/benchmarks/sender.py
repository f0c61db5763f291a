"""An open loop of events: each has an instant at which it is meant to be sent, whatever became of those before.

A process of its own, so that it disturbs nobody's clock: python -m tests.benchmarks.sender --help

It sends as Java's producer does by default: what has come in five milliseconds, for all partitions in one request.
librdkafka makes a request for each partition, which took most of the core that the broker has here.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaProducer

import schemas
from segments.engine import CLICKSTREAM, TRANSACTIONS, partition_of
from tests.benchmarks.load import HOUR, Customers, Load, Sent
from tests.benchmarks.rig import keep_off_the_first_core

KINDS = ("standard", "even", "new", "due")
LINGER = 0.005
"""Seconds."""


def main() -> None:
    """Send, then print how late the sender itself was."""
    arguments = _arguments()
    keep_off_the_first_core()
    print(json.dumps({"worst": round(asyncio.run(_send(arguments)), 4)}))


Batches = dict[tuple[str, int], Any]
"""Of each topic and partition, a finished batch."""


async def _send(arguments: argparse.Namespace) -> float:
    """A request every `LINGER` seconds; returns by how many seconds the last of it was late at worst."""
    worst, underway = 0.0, set[asyncio.Future[Any]]()
    async with AIOKafkaProducer(bootstrap_servers=arguments.brokers, max_batch_size=1 << 20) as producer:
        # Made beforehand: the core is the broker's, and at 100,000 a second Python can do no more than send.
        requests = [request async for request in _requests(arguments, producer)]
        for number, batches in enumerate(requests, start=1):
            due = arguments.start + number * LINGER
            await asyncio.sleep(max(0.0, due - time.time()))
            for (topic, partition), batch in batches.items():
                underway.add(await producer.send_batch(batch, topic, partition=partition))
            worst = max(worst, time.time() - due)
            underway = {each for each in underway if not each.done()}
        await asyncio.gather(*underway)
    return worst


async def _requests(arguments: argparse.Namespace, producer: AIOKafkaProducer) -> AsyncIterator[Batches]:
    """For each `LINGER` seconds what is meant to be sent within them."""
    counts = {topic: len(await producer.partitions_for(topic)) for topic in (CLICKSTREAM, TRANSACTIONS)}
    records, sent, number = _records(arguments), 0, 0
    while sent < arguments.count:
        number += 1
        meant = min(arguments.count, int(number * LINGER * arguments.rate) + 1)
        at, batches = int((arguments.start + number * LINGER) * 1000), Batches()
        for topic, key, value in islice(records, meant - sent):
            place = topic, partition_of(key, counts[topic])
            batch = batches.get(place) or batches.setdefault(place, producer.create_batch())
            assert batch.append(key=key, value=value, timestamp=at) is not None
        yield batches
        sent = meant


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("brokers")
    parser.add_argument(
        "kind",
        choices=KINDS,
        help="standard load; each customer as often as the others; new customers; what is due in an hour",
    )
    parser.add_argument("--start", type=float, required=True, help="when the first is meant to be sent, s")
    parser.add_argument("--rate", type=float, required=True, help="events a second")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="the number of the first event")
    parser.add_argument("--due", type=float, default=0.0, help="kind due: when the first flip is due, s")
    parser.add_argument("--over", type=float, default=1.0, help="kind due: over how many seconds they are")
    parser.add_argument("--customers", type=int, default=20_000)
    return parser.parse_args()


def _records(arguments: argparse.Namespace) -> Iterator[Sent]:
    """One for each number; its id is its number, so that a flip's cause tells when it was meant to be sent."""
    chance = random.Random(7)
    load, pick = Load(), Customers(arguments.customers, chance)
    for place in range(arguments.count):
        number = arguments.first + place
        at = int((arguments.start + place / arguments.rate) * 1000)
        match arguments.kind:
            case "standard":
                yield load.one(chance, pick.next(), at, number)
            case "even":
                customer = f"customer-{chance.randrange(arguments.customers)}"
                yield load.one(chance, customer, at, number)
            case "new":
                yield _click(f"new-{number}", "product_view", at, number)
            case "due":
                due = arguments.due + arguments.over * place / arguments.count
                yield _click(f"due-{number}", "page_view", int(due * 1000) - HOUR, number)


def _click(customer: str, kind: str, at: int, number: int) -> Sent:
    click = {
        "event_id": f"{number:032x}",
        "customer_id": customer,
        "occurred_at": at,
        "kind": kind,
        "session_id": None,
        "page": "/p",
        "product_id": "product-1",
        "category": None,
        "channel": "web",
        "attributes": {},
    }
    return "clickstream", customer.encode(), schemas.encode(schemas.CLICK, click)


if __name__ == "__main__":
    main()
