"""Two hours without a break.

Something is in the cart for two hours on end: an order in between begins the hours anew.
"""

from segments.language import Segment, cart_add, hours, purchase

held_two_hours = Segment(
    en="Has had something in the cart for two hours without a break",
    nl="Heeft twee uur onafgebroken iets in de winkelwagen",
    when=cart_add.since(purchase).within(days=2).count() >= 1,
    for_at_least=hours(2),
    examples="""
        0d      cart_add
        0d 1h   purchase                                    # it is over
        0d 2h   cart_add
        0d 4h   enters                                      # two hours from then on
        2d 2h   leaves
        ---
        0d      cart_add
        0d 1h   purchase
    """,
)
