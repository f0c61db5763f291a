"""First purchase.

Bought for the first time (in two years, which is as far as we remember) less
than a month ago. The weeks in which a second order is won or lost: welcome them,
explain the product, do not discount yet.
"""

from segments.language import Segment, purchase

first_purchase = Segment(
    en="Made a first purchase in the past month",
    nl="Deed in de afgelopen maand een eerste aankoop",
    when=[
        purchase.within(days=730).count() == 1,
        purchase.within(days=30).count() == 1,
    ],
    goal=purchase.within(days=60),
    revenue=purchase.amount,
    examples="""
        0d      purchase amount=40      enters
        20d     purchase amount=60      leaves      # the second one
        ---
        0d      purchase                enters
        30d                             leaves      # no longer new
        100d    purchase                            # the second one, after all
        ---
        0d      page_view
        1d      cart_add
        2d      checkout                            # nearly
    """,
)
