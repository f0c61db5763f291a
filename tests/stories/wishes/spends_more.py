"""Spends more than in the month before.

Any increase counts, from 55 to 70 as well as from 500 to 501.
"""

from segments.language import Segment, purchase

month = purchase.within(days=30)

spends_more = Segment(
    en="Spent more in the last 30 days than in the 30 days before",
    nl="Gaf de laatste 30 dagen meer uit dan de 30 dagen ervoor",
    when=[
        month.ago(days=30).sum(purchase.amount) > 0,
        month.sum(purchase.amount) > month.ago(days=30).sum(purchase.amount),
    ],
    examples="""
        0d      purchase amount=55
        20d     purchase amount=70
        30d     enters                                  # 70 after 55
        50d     leaves
        ---
        0d      purchase amount=70
        35d     purchase amount=70                      # as much is not more
    """,
)
