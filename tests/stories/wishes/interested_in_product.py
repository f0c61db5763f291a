"""Interested in a product.

Viewed one product three times in a week, and has not bought it since: one segment, each product a value of it.
"""

from segments.language import Segment, product_view, purchase

views = product_view.by(product_view.product_id).since(purchase.items.same(purchase.items.product_id))

interested_in_product = Segment(
    for_each=product_view.product_id,
    en="Interested in a product",
    nl="Geïnteresseerd in een product",
    when=views.within(days=7).count() >= 3,
    examples="""
        0d      x3 every 1h product_view product_id=boots           enters boots
        1d      x3 every 1h product_view product_id=hat             enters hat
        2d      purchase product_id=boots price=80                  leaves boots
        8d                                                          leaves hat
        ---
        0d      x2 every 1h product_view product_id=boots           # two looks
        3d      product_view product_id=hat
    """,
)
