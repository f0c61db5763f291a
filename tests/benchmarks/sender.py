"""An open loop of events: each has an instant at which it is meant to be sent, whatever became of those before.

A process of its own, so that it disturbs nobody's clock: python -m tests.benchmarks.sender --help
"""

import argparse
import json
import random
import time
from collections.abc import Iterator

from confluent_kafka import Producer

import schemas
from tests.benchmarks.load import HOUR, Customers, Load, Sent
from tests.benchmarks.rig import keep_off_the_first_core, producer_settings, send

KINDS = ("standard", "new", "due")


def main() -> None:
    """Send, then print how late the sender itself was."""
    arguments = _arguments()
    keep_off_the_first_core()
    producer = Producer(producer_settings(arguments.brokers) | {"linger.ms": 1})
    records = _records(arguments)
    worst = 0.0
    for number in range(arguments.count):
        intended = arguments.start + number / arguments.rate
        ahead = intended - time.time()
        if ahead > 0.001:
            producer.poll(0)
            time.sleep(ahead)
        send(producer, *next(records))
        worst = max(worst, time.time() - intended)
    producer.flush()
    print(json.dumps({"worst": round(worst, 4)}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("brokers")
    parser.add_argument("kind", choices=KINDS, help="standard load; new customers; what is due in an hour")
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
