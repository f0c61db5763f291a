"""Cart abandoned.

Put something in the cart and bought nothing in the hour that followed. A
reminder is welcome for a month; after that it is spam.
"""

from segments.language import Segment, cart_add, hours, purchase

cart_abandoned = Segment(
    en="Cart left for an hour without a purchase",
    nl="Winkelwagen een uur achtergelaten zonder aankoop",
    when=cart_add.since(purchase).within(days=30).idle >= hours(1),
    goal=purchase.within(days=7),
    revenue=purchase.amount,
    examples="""
        0h      cart_add
        1h                      enters
        3h      purchase        leaves
        ---
        0h      cart_add
        50m     cart_add                    # still shopping: the hour starts again
        1h 50m                  enters
        30d 50m                 leaves      # too late for a reminder
        ---
        0h      cart_add
        59m     purchase                    # bought in time
        2h
    """,
)
