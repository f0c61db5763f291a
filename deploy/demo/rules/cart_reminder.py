"""Cart reminder.

Who left a cart for an hour is sent a reminder, but for every second of them: what the
others buy within a week anyway is what the reminder is compared with. Nobody is sent anything in the demo,
so that no difference is what the comparison should find.
"""

from segments.cart_abandoned import cart_abandoned
from segments.language import Segment, purchase

cart_reminder = Segment(
    en="To be reminded of a cart, but for every second customer",
    nl="Krijgt een herinnering aan de winkelwagen, op elke tweede klant na",
    when=[cart_abandoned],
    goal=purchase.within(days=7),
    revenue=purchase.amount,
    control=50,
    examples="""
        0h      cart_add
        1h                      enters
        3h      purchase        leaves
        ---
        0h      cart_add
        30m     purchase                    # bought without a reminder
        2h
    """,
)
