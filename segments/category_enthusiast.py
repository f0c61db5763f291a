"""Category enthusiast.

Looked at five different products of one category within two weeks: somebody is
furnishing a nursery, or starting to cycle. Show the guide to that category, and
what others bought together.
"""

from segments.language import Segment, product_view

category_enthusiast = Segment(
    en="Viewed five different products of one category in two weeks",
    nl="Vijf verschillende producten uit één categorie bekeken in twee weken",
    when=product_view.by(product_view.category).within(days=14).distinct(product_view.product_id) >= 5,
    examples="""
        0d      product_view category=bikes product_id=a
        1d      product_view category=bikes product_id=b
        2d      product_view category=bikes product_id=c
        3d      product_view category=bikes product_id=d
        4d      product_view category=bikes product_id=e    enters
        14d                                                 leaves      # the first is two weeks old
        ---
        0d      product_view category=bikes product_id=a
        1d      product_view category=bikes product_id=b
        2d      product_view category=lamps product_id=c
        3d      product_view category=bikes product_id=d
        4d      product_view category=bikes product_id=d                # the same one again
        5d      product_view category=bikes product_id=e                # four bikes and a lamp
    """,
)
