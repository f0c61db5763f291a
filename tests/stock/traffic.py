"""What customers do in a run, by a seed: visits and purchases in the order of time, nothing late, nothing twice, nothing bad.

That is as easy as it gets; at the end each customer is heard of once more, eight days later, so that also an application
that looks at the time only when an event comes tells every exit.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import schemas
from tests.chaos.traffic import CLICKS, DAY, MONEY, Message
from tests.stock.rule import OTHER, PURCHASE, VISIT, Customer, step

Flip = tuple[str, str, int]
"""Customer, enter or exit, instant."""

DAYS = 21
BOUGHT = "bought"
EMPTY = dict.fromkeys(("session_id", "page", "product_id", "category", "channel"))


@dataclass(frozen=True, slots=True)
class Event:
    """One event before it is encoded."""

    customer: str
    at: int
    kind: str

    def message(self, *, one_topic: bool) -> Message:
        """As a record; with one topic a purchase is a click of the shop's own kind."""
        base = {"event_id": f"e{self.at}", "customer_id": self.customer, "occurred_at": self.at}
        if self.kind == PURCHASE and not one_topic:
            bought = {
                "kind": "purchase",
                "order_id": f"o{self.at}",
                "amount": 1_000,
                "currency": "EUR",
                "items": [],
            }
            topic, event = MONEY, base | bought | {"channel": None}
        else:
            kind = {VISIT: "page_view", PURCHASE: BOUGHT, OTHER: "email_open"}[self.kind]
            topic, event = CLICKS, base | EMPTY | {"kind": kind, "attributes": {}}
        return Message(topic, self.customer.encode(), schemas.encode(schemas.RECORD_OF_TOPIC[topic], event))


def history(seed: int, count: int, customers: int) -> list[Event]:
    """So many events in three weeks, then one more of each customer."""
    chance, now = random.Random(f"stock {seed}"), int(time.time() * 1000)
    end = now - 9 * DAY
    stride = DAYS * DAY // count
    events = [
        Event(
            f"c{chance.randrange(customers)}",
            end - (count - number) * stride,
            PURCHASE if chance.random() < 0.15 else VISIT,
        )
        for number in range(count)
    ]
    return [*events, *(Event(f"c{number}", end + 8 * DAY + number, OTHER) for number in range(customers))]


def flips(events: list[Event]) -> Iterator[Flip]:
    """The right answer."""
    customers: dict[str, Customer] = defaultdict(Customer)
    for event in events:
        for transition, at in step(customers[event.customer], event.at, event.kind):
            yield event.customer, transition, at
