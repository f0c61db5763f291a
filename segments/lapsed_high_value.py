"""Lapsed high-value customers.

Among the best customers of the year, but no order for 90 days. The most
expensive people to lose: a personal message, from a person, before they have
found another shop.
"""

from segments.high_value import high_value
from segments.language import Segment, days, purchase

lapsed_high_value = Segment(
    en="High-value customer without an order for 90 days",
    nl="Waardevolle klant zonder bestelling in 90 dagen",
    when=[high_value, purchase.within(days=365).idle >= days(90)],
    examples="""
        0d      purchase amount=200
        10d     purchase amount=200
        20d     purchase amount=200
        30d     purchase amount=200
        120d                            enters
        130d    purchase amount=20      leaves      # back again
        ---
        0d      purchase amount=200
        10d     purchase amount=200
        20d     purchase amount=200
        30d     purchase amount=200
        120d                            enters
        365d                            leaves      # no longer high value: three orders left
        ---
        0d      purchase amount=200
        10d     purchase amount=200
        20d     purchase amount=200
        110d                                        # silent for 90 days, but not high value
    """,
)
