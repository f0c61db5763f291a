"""Loyal to one product.

Five articles or more in a year, four in five of them the same product. Offer a subscription.
"""

from segments.language import Segment, purchase

lines = purchase.items.within(days=365)

loyal_to_a_product = Segment(
    en="Buys four in five times the same product",
    nl="Koopt vier op de vijf keer hetzelfde product",
    when=[
        lines.sum(purchase.items.quantity) >= 5,
        lines.by(purchase.items.product_id).sum(purchase.items.quantity) / lines.sum(purchase.items.quantity)
        >= 0.8,
    ],
    examples="""
        0d      purchase product_id=coffee quantity=4 price=5
        1d      purchase product_id=tea quantity=1 price=5      enters
        2d      purchase product_id=tea quantity=1 price=5      leaves
        ---
        0d      purchase product_id=coffee quantity=4 price=5       # four are no habit
        ---
        0d      purchase product_id=coffee quantity=5 price=5   enters
        365d                                                    leaves
    """,
)
