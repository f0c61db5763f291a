"""Checkout abandoned.

Began to pay and did not finish within half an hour. Closer to buying than an
abandoned cart: ask what went wrong (payment, delivery costs) before offering
anything. After a week the moment has passed.
"""

from segments.language import Segment, checkout, minutes, purchase

checkout_abandoned = Segment(
    en="Checkout left for half an hour without a purchase",
    nl="Afrekenen een half uur geleden afgebroken zonder aankoop",
    when=checkout.since(purchase).within(days=7).idle >= minutes(30),
    examples="""
        0h      checkout
        30m                 enters
        2h      purchase    leaves
        ---
        0h      checkout
        20m     checkout                # tries again: the half hour starts anew
        50m                 enters
        7d 20m              leaves      # the moment has passed
        ---
        0h      checkout
        29m     purchase                # paid in time
        1h
    """,
)
