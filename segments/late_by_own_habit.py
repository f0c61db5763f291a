"""Late by own habit.

Ordered three times or more in two years, and has now been silent for more
than twice as long as usual. Ask what is missing before the habit is lost:
who buys coffee each month is late in week nine, who buys shoes is not.
"""

from segments.language import Segment, purchase

orders = purchase.within(days=730)

late_by_own_habit = Segment(
    en="Silent for more than twice the usual time between orders",
    nl="Al meer dan twee keer zo lang niets besteld als gewoonlijk",
    when=[orders.count() >= 3, orders.idle > 2 * orders.gap],
    examples="""
        0d      purchase
        30d     purchase
        60d     purchase
        120d 1ms            enters      # 60 days are twice 30
        121d    purchase    leaves
        ---
        0d      purchase
        7d      purchase                # two orders are no habit
        60d
        ---
        0d      purchase
        100d    purchase
        200d    purchase
        399d                            # not yet twice 100 days
    """,
)
