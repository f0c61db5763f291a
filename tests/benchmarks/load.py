"""The standard load: clicks and transactions of customers as unequal as in life, some late, double or broken.

80 % clicks, customers by Zipf's law (exponent 1), 1 % late by up to an hour, 1 % duplicates, 0.1 % broken. A customer comes
for some events at a time, eight on average, while others do.
"""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import schemas
from segments.engine import RuleSet
from segments.language.catalogue import CLICKSTREAM, EventSet
from segments.language.nodes.text import measures_in

HOUR = 3_600_000
CLICKS = (
    ("page_view",) * 5 + ("product_view",) * 4 + ("cart_add", "search", "login", "email_open", "checkout")
)
PRODUCTS, CATEGORIES = 1_000, 20
MISSING = {each.name: None for each in CLICKSTREAM.fields if each.optional}
"""A click without any of the fields that it may lack."""
PRESENT = 20
"""Customers who are there at a time."""
STAY = 8
"""Events, on average, before somebody else comes in their place."""

Sent = tuple[str, bytes, bytes]
"""Topic, key and value."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to generate; the same numbers give the same records."""

    events: int = 300_000
    customers: int = 100_000
    days: float = 30.0
    seed: int = 1
    late: float = 0.01
    duplicate: float = 0.01
    broken: float = 0.001
    clicks: float = 0.8

    def records(self, until: int) -> Iterator[Sent]:
        """Topic, key and value of each record; the last one occurs at `until`."""
        chance = random.Random(self.seed)
        step = self.days * 24 * HOUR / self.events
        pick = Customers(self.customers, chance)
        last: Sent | None = None
        for number in range(self.events):
            if last is not None and chance.random() < self.duplicate:
                yield last
                continue
            at = int(until - (self.events - number) * step)
            if chance.random() < self.late:
                at -= chance.randrange(HOUR)
            last = self.one(chance, pick.next(), at, number)
            if chance.random() < self.broken:
                last = (*last[:2], last[2][: len(last[2]) // 2])
            yield last

    def one(self, chance: random.Random, customer: str, at: int, number: int) -> Sent:
        """A click or a transaction of a customer; its id is its number."""
        topic, record = self._event(chance, customer, at, number)
        return topic, customer.encode(), schemas.encode(schemas.RECORD_OF_TOPIC[topic], record)

    def _event(
        self, chance: random.Random, customer: str, at: int, number: int
    ) -> tuple[str, dict[str, Any]]:
        base = {"event_id": f"{number:032x}", "customer_id": customer, "occurred_at": at, "channel": "web"}
        product = f"product-{int(PRODUCTS * chance.random() ** 2)}"
        category = f"category-{sum(product.encode()) % CATEGORIES}"
        if chance.random() < self.clicks:
            page = {
                "session_id": f"s{number % 997}",
                "page": "/p",
                "product_id": product,
                "category": category,
            }
            return "clickstream", MISSING | base | page | {"kind": chance.choice(CLICKS), "attributes": {}}
        amount = chance.randrange(500, 20_000)
        kind = "purchase" if chance.random() < 0.95 else "refund"
        item = {"product_id": product, "category": category, "quantity": 1, "price": amount}
        order = {"order_id": f"o{number}", "amount": amount, "currency": "EUR", "items": [item]}
        return "transactions", base | order | {"kind": kind}


class Customers:
    """Customers by Zipf's law: the second comes half as often as the first."""

    def __init__(self, count: int, chance: random.Random) -> None:
        self._weights = list(accumulate(1 / rank for rank in range(1, count + 1)))
        self._chance = chance
        self._present = [self._comes() for _ in range(PRESENT)]

    def next(self) -> str:
        """The customer of the next event."""
        place = int(self._chance.random() * PRESENT)
        if self._chance.random() * STAY < 1:
            self._present[place] = self._comes()
        return self._present[place]

    def _comes(self) -> str:
        return f"customer-{bisect(self._weights, self._chance.random() * self._weights[-1])}"


def rules_touched(rules: RuleSet) -> float:
    """The share of the load's records that three rules or more look at."""
    kinds = [(kind, 0.8 / len(CLICKS)) for kind in CLICKS] + [("purchase", 0.19), ("refund", 0.01)]
    return sum(share for kind, share in kinds if len(_touching(rules, kind)) >= 3)


def _touching(rules: RuleSet, kind: str) -> set[int]:
    """The places of the rules of which some condition reads events of a kind, those of `since` included."""
    return {
        place
        for place, leaves in enumerate(rules.leaves)
        for leaf in leaves
        for measure in measures_in(leaf)
        for events in (measure.events, measure.events.reset)
        if events is not None and _takes(events.source, kind)
    }


def _takes(events: EventSet, kind: str) -> bool:
    if events.kinds is None:
        return any(kind in topic.kinds for topic in events.topics)
    return kind in events.kinds
