"""Interested in a category.

Who keeps looking at articles of one category, and has not bought one since: a customer may be interested in several,
each for itself. Show that category on the home page and in mail; it ends with a purchase in it, or by itself.
"""

from segments.language import Segment, product_view, purchase

interested_in_category = Segment(
    for_each=product_view.category,
    en="Interested in a category",
    nl="Geïnteresseerd in een categorie",
    when=product_view.by(product_view.category)
    .since(purchase.items.same(purchase.items.category))
    .within(days=7)
    .count()
    >= 3,
    examples="""
        0d  product_view category=shoes
        1d  product_view category=shoes
        2d  product_view category=hats
        3d  product_view category=shoes     enters shoes
        4d  product_view category=hats
        5d  product_view category=hats      enters hats
        5d  1h purchase category=shoes      leaves shoes    # the hats are still wanted
        9d  leaves hats                                     # the first look is seven days ago
        ---
        0d  product_view category=shoes
        1d  product_view category=hats
        2d  product_view category=bags                      # three looks, but at three categories
        ---
        0d  x3 every 1h product_view category="rain coats"  enters "rain coats"
        1d  erase                                           leaves "rain coats"
    """,
)
