"""Loyal to a category.

At least five articles in a year, four in five of them of one category. Make
the shop theirs: news and early access in that category, and leave them alone
with the rest.
"""

from segments.language import Segment, purchase

lines = purchase.items.within(days=365)

loyal_to_a_category = Segment(
    en="Buys four in five articles in one category",
    nl="Koopt vier op de vijf artikelen in één categorie",
    when=[
        lines.count() >= 5,
        lines.by(purchase.items.category).count() / lines.count() >= 0.8,
    ],
    examples="""
        0d      purchase product_id=a,b,c,d category=shoes price=10
        1d      purchase product_id=e category=hats price=10        enters
        2d      purchase product_id=f category=hats price=10        leaves
        ---
        0d      purchase product_id=a,b,c,d category=shoes price=10
        ---
        0d      purchase product_id=a,b,c,d,e category=shoes price=10   enters
        365d                                                            leaves
    """,
)
