"""The clickstream of 600 synthetic customers of an electronics shop, January to June 2024.

From the source: who did what, when (to the second), in which session, on which device, by which channel.
Invented: the product of an event, and what a purchase held and cost. The source's name of an event is kept in
`attributes`.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.demo.invent import Line, amount, choice
from deploy.demo.shop import CURRENCY, Product, favourites

# The source's event: our kind (one that the language names, or the shop's own) and the page it happened on.
KINDS = {
    "home": ("page_view", "/"),
    "catalog": ("page_view", "/catalogue"),
    "filter_results": ("page_view", "/catalogue/filter"),
    "promo_page": ("page_view", "/offers"),
    "review_page": ("page_view", "/reviews"),
    "cart": ("page_view", "/cart"),
    "error_page": ("page_view", "/error"),
    "search": ("search", "/search"),
    "product_view": ("product_view", "/product"),
    "compare": ("compare", "/compare"),
    "wishlist_add": ("wishlist_add", "/product"),
    "add_to_cart": ("cart_add", "/product"),
    "shipping_details": ("checkout", "/checkout/shipping"),
    "payment_details": ("checkout", "/checkout/payment"),
    "checkout_bug": ("checkout_bug", "/checkout/shipping"),
    "payment_error": ("payment_error", "/checkout/payment"),
    "account_page": ("login", "/account"),
    "support_chat": ("support_contact", "/support"),
}
PURCHASE = "purchase"
WITH_A_PRODUCT = ("product_view", "review_page", "compare", "wishlist_add", "add_to_cart")


@dataclass(slots=True)
class _Shopper:
    """What one customer looks at and has in the cart, as invented so far."""

    customer: str
    viewed: Product
    cart: list[Product] = field(default_factory=list)

    def look(self, event: str, number: int) -> Product:
        if event == "product_view":
            self.viewed = choice(favourites(self.customer), "view", self.customer, number)
        if event == "add_to_cart":
            self.cart.append(self.viewed)
        return self.viewed

    def pay(self) -> list[Product]:
        bought = self.cart or [self.viewed]
        self.cart = []
        return bought


def events(rows: Iterable[str]) -> Iterator[Line]:
    """Clicks as lines of `clickstream`, purchases as lines of `transactions`, in order of time."""
    shoppers: dict[str, _Shopper] = {}
    numbered = enumerate(csv.DictReader(rows), start=1)
    for number, row in sorted(numbered, key=lambda pair: (pair[1]["timestamp"], pair[0])):
        customer = f"ecom-{row['user_id'].removeprefix('user_')}"
        shopper = shoppers.get(customer)
        if shopper is None:
            shopper = shoppers[customer] = _Shopper(customer, favourites(customer)[0])
        yield _event(shopper, number, row)


def _event(shopper: _Shopper, number: int, row: dict[str, str]) -> Line:
    common = {
        "event_id": f"ecom-{number}",
        "customer_id": shopper.customer,
        "occurred_at": int(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp()) * 1000,
        "channel": row["acquisition_channel"],
    }
    if row["event"] == PURCHASE:
        return common | _purchase(shopper.pay(), number)
    return common | _click(shopper, number, row)


def _click(shopper: _Shopper, number: int, row: dict[str, str]) -> Line:
    event = row["event"]
    kind, page = KINDS[event]
    product = shopper.look(event, number) if event in WITH_A_PRODUCT else None
    return {
        "topic": "clickstream",
        "kind": kind,
        "session_id": f"ecom-{row['session_id']}",
        "page": page,
        "product_id": product.id if product else None,
        "category": product.category if product else None,
        "attributes": {
            "source_event": event,
            "platform": row["platform"],
            "cohort": row["user_cohort"],
            "lifecycle": row["user_lifecycle"],
        },
    }


def _purchase(bought: list[Product], number: int) -> Line:
    return {
        "topic": "transactions",
        "kind": "purchase",
        "order_id": f"ecom-order-{number}",
        "amount": amount(sum(product.price for product in bought)),
        "currency": CURRENCY,
        "items": [
            {"product_id": each.id, "category": each.category, "quantity": 1, "price": amount(each.price)}
            for each in bought
        ],
    }
