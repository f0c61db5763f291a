"""The standard load: clicks and transactions of customers as unequal as in life, some late, double or broken.

80 % clicks, customers by Zipf's law (exponent 1), 1 % late by up to an hour, 1 % duplicates, 0.1 % broken.
"""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import schemas

HOUR = 3_600_000
CLICKS = (
    ("page_view",) * 5 + ("product_view",) * 4 + ("cart_add", "search", "login", "email_open", "checkout")
)
PRODUCTS, CATEGORIES = 1_000, 20


@dataclass(frozen=True, slots=True)
class Load:
    """What to generate; the same numbers give the same records."""

    events: int = 300_000
    customers: int = 100_000
    days: float = 30.0
    seed: int = 1

    def records(self, until: int) -> Iterator[tuple[str, bytes, bytes]]:
        """Topic, key and value of each record; the last one occurs at `until`."""
        chance = random.Random(self.seed)
        weights = list(accumulate(1 / rank for rank in range(1, self.customers + 1)))
        step = self.days * 24 * HOUR / self.events
        last: tuple[str, bytes, bytes] | None = None
        for number in range(self.events):
            if last is not None and chance.random() < 0.01:
                yield last
                continue
            at = int(until - (self.events - number) * step)
            if chance.random() < 0.01:
                at -= chance.randrange(HOUR)
            customer = f"customer-{bisect(weights, chance.random() * weights[-1])}"
            topic, record = self._event(chance, customer, at, number)
            value = schemas.encode(schemas.RECORD_OF_TOPIC[topic], record)
            if chance.random() < 0.001:
                value = value[: len(value) // 2]
            last = topic, customer.encode(), value
            yield last

    def _event(
        self, chance: random.Random, customer: str, at: int, number: int
    ) -> tuple[str, dict[str, Any]]:
        base = {"event_id": f"{number:032x}", "customer_id": customer, "occurred_at": at, "channel": "web"}
        product = f"product-{int(PRODUCTS * chance.random() ** 2)}"
        category = f"category-{sum(product.encode()) % CATEGORIES}"
        if chance.random() < 0.8:
            page = {
                "session_id": f"s{number % 997}",
                "page": "/p",
                "product_id": product,
                "category": category,
            }
            return "clickstream", base | page | {"kind": chance.choice(CLICKS), "attributes": {}}
        amount = chance.randrange(500, 20_000)
        kind = "purchase" if chance.random() < 0.95 else "refund"
        item = {"product_id": product, "category": category, "quantity": 1, "price": amount}
        order = {"order_id": f"o{number}", "amount": amount, "currency": "EUR", "items": [item]}
        return "transactions", base | order | {"kind": kind}
