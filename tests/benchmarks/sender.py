"""An open loop of events: each has an instant at which it is meant to be sent, whatever became of those before.

A process of its own, so that it disturbs nobody's clock: python -m tests.benchmarks.sender --help

It sends as Java's producer does by default: what has come in five milliseconds, for all partitions in one request. A
request is made in full before the clock starts, and written to a socket when it is due. So sending costs the sender
next to nothing: it shares its core with the broker. The answers are looked at when all is sent.
"""

import argparse
import gc
import json
import random
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder
from confluent_kafka.admin import AdminClient
from kafka.protocol.producer.produce import ProduceRequest, ProduceResponse

import schemas
from segments.engine import CLICKSTREAM, TRANSACTIONS, partition_of
from tests.benchmarks.load import HOUR, Customers, Load, Sent
from tests.benchmarks.rig import keep_off_the_first_core

KINDS = ("standard", "even", "new", "due")
LINGER = 0.005
"""Seconds."""
BATCH_BYTES = 1 << 20
"""Of a batch: no more than a topic takes."""
VERSION = 7
"""Of the request, with records in batches of format 2; every broker since Kafka 2.1 takes it."""
LEADER = 1
"""Acknowledged when the leader has it."""
SAMPLE = 5_000
"""Records that are made to see how long it takes."""
TIMEOUT = 30.0
"""Seconds for the broker to answer, and for the socket to take a request."""


def main() -> None:
    """Send, then print how late the sender itself was."""
    arguments = _arguments()
    keep_off_the_first_core()
    print(json.dumps({"worst": round(_send(arguments), 4)}))


def _send(arguments: argparse.Namespace) -> float:
    """A request every `LINGER` seconds; returns by how many seconds the last of it was late at worst."""
    topics = AdminClient({"bootstrap.servers": arguments.brokers}).list_topics(timeout=TIMEOUT).topics
    counts = {topic: len(topics[topic].partitions) for topic in (CLICKSTREAM, TRANSACTIONS)}
    requests = list(_requests(arguments, counts))
    # A collection would look at each of the requests.
    gc.collect()
    gc.disable()
    worst, answers = 0.0, bytearray()
    host, _, port = arguments.brokers.rpartition(":")
    with socket.create_connection((host, int(port)), TIMEOUT) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number, request in enumerate(requests, start=1):
            due = arguments.start + number * LINGER
            time.sleep(max(0.0, due - time.time()))
            connection.sendall(request)
            worst = max(worst, time.time() - due)
            _take(connection, answers)
        _check(connection, answers, len(requests))
    return worst


def _take(connection: socket.socket, answers: bytearray) -> None:
    """Take the answers that are there: a broker that can't answer reads no more requests."""
    try:
        answers += connection.recv(1 << 16, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return


def _check(connection: socket.socket, answers: bytearray, count: int) -> None:
    """Wait for the answers that are left; raises RuntimeError if a batch was refused."""
    at = 0
    for _ in range(count):
        size = 4
        while len(answers) < at + size:
            more = connection.recv(1 << 16)
            if not more:
                raise RuntimeError("the broker has closed the connection")
            answers += more
            if len(answers) >= at + 4:
                size = 4 + struct.unpack_from(">i", answers, at)[0]
        size = 4 + struct.unpack_from(">i", answers, at)[0]
        body = BytesIO(answers[at + 4 : at + size])
        ProduceResponse.parse_header(body, version=VERSION)
        for topic in ProduceResponse.decode(body, version=VERSION).responses:
            for each in topic.partition_responses:
                if each.error_code:
                    raise RuntimeError(f"{topic.name}-{each.index}: error {each.error_code}")
        at += size


def seconds_to_make(count: int) -> float:
    """How long a sender takes for so many records before its clock starts, by a sample: others may want the core."""
    sample = argparse.Namespace(
        kind="standard", start=0.0, rate=SAMPLE, count=SAMPLE, first=0, customers=SAMPLE
    )
    began = time.perf_counter()
    for _ in _requests(sample, dict.fromkeys((CLICKSTREAM, TRANSACTIONS), 4)):
        pass
    return (time.perf_counter() - began) * count / SAMPLE


def _requests(arguments: argparse.Namespace, counts: Mapping[str, int]) -> Iterator[bytes]:
    """For each `LINGER` seconds what is meant to be sent within them, as it is written to the socket.

    `counts` has the partitions of each topic.
    """
    records, sent, number = _records(arguments), 0, 0
    while sent < arguments.count:
        number += 1
        meant = min(arguments.count, int(number * LINGER * arguments.rate) + 1)
        at, batches = int((arguments.start + number * LINGER) * 1000), dict[str, dict[int, BatchBuilder]]()
        for topic, key, value in islice(records, meant - sent):
            place = partition_of(key, counts[topic])
            some = batches.setdefault(topic, {})
            batch = some.get(place) or some.setdefault(
                place, BatchBuilder(BATCH_BYTES, 0, is_transactional=False)
            )
            assert batch.append(key=key, value=value, timestamp=at) is not None
        yield _framed(number, batches)
        sent = meant


def _framed(number: int, batches: Mapping[str, Mapping[int, Any]]) -> bytes:
    """A request with its length before it."""
    topic = ProduceRequest.TopicProduceData
    request = ProduceRequest[VERSION](
        transactional_id=None,
        acks=LEADER,
        timeout_ms=int(TIMEOUT * 1000),
        topic_data=[
            topic(
                name=name,
                partition_data=[
                    topic.PartitionProduceData(index=place, records=bytes(batch._build()))
                    for place, batch in some.items()
                ],
            )
            for name, some in batches.items()
        ],
    )
    request.with_header(number, "sender")
    encoded: bytes = request.encode(header=True)
    return struct.pack(">i", len(encoded)) + encoded


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
