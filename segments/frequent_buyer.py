"""Frequent buyer.

Three orders in a quarter make a frequent buyer, and one stays it as long as
there are at least two: a status that comes and goes with every order is no
status. Worth a loyalty card, not a discount: they buy anyway.
"""

from segments.language import Segment, purchase

orders = purchase.within(days=90)

frequent_buyer = Segment(
    en="Ordered three times in 90 days, and has not dropped below two since",
    nl="Drie bestellingen in 90 dagen, en sindsdien niet onder de twee gezakt",
    when=orders.count() >= 3,
    until=orders.count() <= 1,
    examples="""
        0d      purchase
        10d     purchase
        20d     purchase    enters
        90d                             # two left: stays
        100d                leaves      # one left
        ---
        0d      purchase
        10d     purchase
        20d     purchase    enters
        95d     purchase                # the others fade: in by two orders at any time
        105d    purchase
        110d
        185d                leaves
        ---
        0d      purchase
        45d     purchase
        90d     purchase                # the first one is 90 days old: never three
    """,
)
