"""Hesitates, at most once a week.

Something was left in the cart for an hour; nobody enters twice within a week.
"""

from segments.language import Segment, cart_add, days, hours, purchase

hesitates_weekly = Segment(
    en="Left a cart for an hour, at most once a week",
    nl="Liet een winkelwagen een uur staan, hooguit eens per week",
    when=cart_add.since(purchase).within(days=2).idle >= hours(1),
    at_most_every=days(7),
    examples="""
        0d      cart_add
        0d 1h   enters
        0d 2h   purchase    leaves
        3d      cart_add                                    # in the same week
        6d      cart_add
        7d 1h   enters
        8d      leaves
        ---
        0d      cart_add
        0d 59m  purchase                                    # a near miss
    """,
)
