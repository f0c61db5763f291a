"""Likely to buy again.

At least one purchase in two is to be expected of them within 30 days, by a model of how
this shop's customers come and go. They need no discount: show what goes with what they have,
and what has come in. The expectation falls with every day of silence, so they leave by
themselves. `segments fit buyers` fits the model to your own customers.
"""

from segments.language import Segment, model, purchase

likely_to_buy_again = Segment(
    en="Will probably buy within 30 days",
    nl="Koopt waarschijnlijk binnen 30 dagen",
    when=purchase.within(days=540).expected(model("buyers"), days=30) >= 0.5,
    examples="""
        0d      purchase
        7d      purchase
        14d     purchase    enters
        ~42d    leaves                  # silent for 28 days
        ---
        0d      purchase
        30d     purchase
        60d     purchase    enters
        ~62d    leaves                  # buys once a month: silent for two days
        ---
        0d      purchase
        90d     purchase                # once in three months is not enough
    """,
)
