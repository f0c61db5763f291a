"""The invented shop: what the customers of the clickstream look at and buy.

The clickstream says that a product was viewed, not which, so there is a small catalogue, and each customer
has a few favourites in it: most of them in one category, or all.
"""

from dataclasses import dataclass

from deploy.demo.invent import choice, number, one_in

CURRENCY = "EUR"

# Category: lowest and highest price in euros.
PRICES = {
    "phones": (199, 1099),
    "laptops": (449, 1899),
    "tablets": (149, 799),
    "headphones": (29, 349),
    "speakers": (39, 499),
    "cameras": (249, 1499),
    "televisions": (299, 1999),
    "accessories": (9, 79),
}
CATEGORIES = tuple(PRICES)
PRODUCTS_IN_A_CATEGORY = 6


@dataclass(frozen=True, slots=True)
class Product:
    """One product of the invented shop; its price is in cents."""

    id: str
    category: str
    price: int


def _product(category: str, number_in_category: int) -> Product:
    lowest, highest = PRICES[category]
    product_id = f"{category}-{number_in_category}"
    return Product(product_id, category, (lowest + number(highest - lowest, "price", product_id)) * 100 + 99)


CATALOGUE = {
    category: tuple(_product(category, at) for at in range(1, PRODUCTS_IN_A_CATEGORY + 1))
    for category in CATEGORIES
}


def favourites(customer: str) -> tuple[Product, ...]:
    """Three products of one category and one of another; for an enthusiast, all of one."""
    home = CATALOGUE[choice(CATEGORIES, "home", customer)]
    if one_in(3, "enthusiast", customer):
        return home
    first = number(PRODUCTS_IN_A_CATEGORY, "first", customer)
    at_home = [home[(first + step) % PRODUCTS_IN_A_CATEGORY] for step in range(3)]
    away = choice(CATALOGUE[choice(CATEGORIES, "away", customer)], "away", customer)
    return (*at_home, away)
