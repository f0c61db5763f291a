"""How long `segments report` works on a million outcomes, with and without enters and exits, and on inputs.

`python -m tests.benchmarks.reports [RECORDS]`, without Kafka: record batches are made as a broker sends them, then split,
decoded and added up by the code of the report. The time is that of one core; what sending them takes depends on the broker.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from aiokafka.record.default_records import DefaultRecordBatchBuilder

import schemas
from segments.engine import Fetch
from segments.insight.outcomes.figures import figures
from segments.insight.outcomes.gathering import Gathering
from segments.insight.outcomes.period import Period
from segments.insight.outcomes.sums import Sums
from streams.report.partition import uncollected
from streams.report.taking import takes
from streams.transport.raw import RUN_LIMIT

RECORDS = 1_000_000
PARTITIONS = 8
DAY = 86_400_000
EVENTS = 10
"""Of each customer, in the input topics."""
BATCH = 1_000
"""Records in a batch."""
HEADERS = [(f"ce_header_{number}", b"a text of twenty-two b") for number in range(9)]
TAKEN_IN = 1_000 * DAY
"""The Kafka timestamp of all records, so that none is of the future."""
T = TypeVar("T")
LOOSE = dict.fromkeys(("session_id", "page", "product_id", "category", "channel"))


def main() -> None:
    """Measure all, and print it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    for name, made, inputs in (
        ("outcomes", {"segment-outcomes": outcome}, False),
        ("outcomes with enters and exits", {"segment-events": enter, "segment-outcomes": outcome}, False),
        ("input records", {"clickstream": click}, True),
    ):
        sums, spent = Sums(Period(1_000 * DAY, now=1_000 * DAY)), 0.0
        for part in range(PARTITIONS):
            numbers = range(part, count, PARTITIONS)
            runs = {topic: fetched(map(record, numbers)) for topic, record in made.items()}
            if "segment-events" in runs:
                runs["segment-events"] += fetched(map(leave, numbers))
            begun = time.process_time()
            with uncollected():
                gathering = Gathering(sums, "EUR", inputs=inputs)
                take = takes(gathering)
                for topic, raw in [(each, raw) for each, found in runs.items() for raw in found]:
                    fetch = Fetch(raw, 0)
                    while (records := fetch.next_run(RUN_LIMIT)) is not None:
                        take[topic](records)
                gathering.fold()
            spent += time.process_time() - begun
        figures(sums, "carts", inputs=inputs)
        print(f"{count:,} {name}: {spent:.1f} s, {spent / count * 1e6:.1f} µs each")


def fetched(records: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Record batches as a broker sends them, with as many headers as an outcome has."""
    runs = []
    for some in batched(records, BATCH):
        batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1 << 30)
        for offset, (key, value) in enumerate(some):
            batch.append(offset, TAKEN_IN, key, value, HEADERS)
        runs.append(bytes(batch.build()))
    return runs


def batched(records: Iterable[T], count: int) -> Iterator[list[T]]:
    """So many at a time."""
    left = iter(records)
    while some := list(islice(left, count)):
        yield some


def outcome(number: int) -> tuple[bytes, bytes]:
    """What came of an enter: key and value."""
    return outcome_of(f"customer-{number}", number, number)


def outcome_of(customer: str, number: int, at: int) -> tuple[bytes, bytes]:
    """What came of a customer's enter: key and value."""
    converted = number % 20 == 0
    record = {
        "event_id": f"outcome-{number:032}",
        "customer_id": customer,
        "entered_as": customer,
        "segment": "carts",
        "segment_version": "0123456789ab",
        "value": None,
        "episode": 1,
        "kind": "matured",
        "reason": "event",
        "arm": "treated" if number % 10 else "control",
        "experiment": "carts",
        "control": "10",
        "goal": "purchase.within(days=7), revenue=purchase.amount",
        "entered_at": at,
        "first_goal_at": at + DAY if converted else None,
        "occurred_at": at + 7 * DAY,
        "emitted_at": at + 7 * DAY,
        "goals": int(converted),
        "revenue": 4_995 * converted,
    }
    return customer.encode(), schemas.encode(schemas.SEGMENT_OUTCOME, record)


def enter(number: int) -> tuple[bytes, bytes]:
    """The enter of an outcome: key and value."""
    return flip_of(f"customer-{number}", "enter", number)


def leave(number: int) -> tuple[bytes, bytes]:
    """The exit after it: key and value."""
    return flip_of(f"customer-{number}", "exit", number + DAY)


def click(number: int) -> tuple[bytes, bytes]:
    """A page seen, one of several of its customer: key and value."""
    customer = f"customer-{number // (PARTITIONS * EVENTS) * PARTITIONS + number % PARTITIONS}"
    return view(number, customer, number * 1_000)


def view(number: int, customer: str, at: int) -> tuple[bytes, bytes]:
    """A page seen by a customer: key and value."""
    record: dict[str, Any] = {
        **LOOSE,
        "event_id": f"view-{number:027}",
        "customer_id": customer,
        "occurred_at": at,
        "kind": "page_view",
        "page": "/shoes",
        "attributes": {},
    }
    return customer.encode(), schemas.encode(schemas.CLICK, record)


def did_of(number: int, customer: str, at: int) -> tuple[str, bytes, bytes]:
    """A page seen, or each tenth time an order: topic, key and value."""
    if number % 10:
        return "clickstream", *view(number, customer, at)
    order: dict[str, Any] = {
        "event_id": f"order-{number:026}",
        "customer_id": customer,
        "occurred_at": at,
        "kind": "purchase",
        "order_id": f"o{number}",
        "amount": 4_995,
        "currency": "EUR",
        "channel": "web",
        "items": [],
        "attributes": {},
    }
    return "transactions", customer.encode(), schemas.encode(schemas.TRANSACTION, order)


def flip_of(customer: str, transition: str, at: int) -> tuple[bytes, bytes]:
    """An enter or exit: key and value."""
    record = {
        "event_id": f"{transition}-{customer}",
        "customer_id": customer,
        "segment": "carts",
        "segment_version": "0123456789ab",
        "transition": transition,
        "occurred_at": at,
        "emitted_at": at,
        "sequence": 1 if transition == "enter" else 2,
        "episode": 1,
        "reason": "event",
        "cause": None,
        "evidence": [],
        "valid_until": None,
        "value": None,
        "details": {},
        "arm": "treated",
    }
    return customer.encode(), schemas.encode(schemas.SEGMENT_EVENT, record)


if __name__ == "__main__":
    main()
