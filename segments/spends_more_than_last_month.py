"""Spends more than last month.

Spent more this month than in the whole month before, in which there was
something: interest grows. Show what goes with what was bought; a discount is
not needed.
"""

from segments.language import Segment, purchase

this_month = purchase.during("this month").sum(purchase.amount)
last_month = purchase.during("last month").sum(purchase.amount)

spends_more_than_last_month = Segment(
    en="Spent more this month than last month",
    nl="Gaf deze maand meer uit dan vorige maand",
    when=[last_month > 0, this_month > last_month],
    examples="""
        2026-01-10 12:00    purchase amount=100
        2026-02-03 12:00    purchase amount=60
        2026-02-20 12:00    purchase amount=50      enters
        2026-03-01 00:00    leaves                          # nothing yet in March
        ---
        2026-01-31 23:59    purchase amount=100
        2026-02-01 00:00    purchase amount=100             # as much, not more
        ---
        2026-02-03 12:00    purchase amount=500             # nothing in January
    """,
)
