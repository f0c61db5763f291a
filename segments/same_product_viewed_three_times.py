"""The same product viewed three times.

Comes back to one product within a week and has not bought it since. Something
holds them up: show its reviews, its sizes, its stock; tell when its price falls.
"""

from segments.language import Segment, product_view, purchase

same_product_viewed_three_times = Segment(
    en="Viewed the same product three times in a week without buying it",
    nl="Drie keer in een week hetzelfde product bekeken zonder het te kopen",
    when=(
        product_view.by(product_view.product_id)
        .since(purchase.items.same(purchase.items.product_id))
        .within(days=7)
        .count()
        >= 3
    ),
    examples="""
        0d      product_view product_id=lamp
        1d      product_view product_id=lamp
        2d      product_view product_id=lamp        enters
        3d      purchase product_id=chair                       # something else
        4d      purchase product_id=chair,lamp      leaves
        ---
        0d      product_view product_id=lamp
        1d      product_view product_id=lamp
        1d      product_view product_id=chair
        2d      product_view product_id=chair                   # two of each: not yet
        ---
        0d      product_view product_id=lamp
        3d      product_view product_id=lamp
        6d      product_view product_id=lamp        enters
        7d                                          leaves      # the first view is a week old
        ---
        0d      product_view
        1d      product_view
        2d      product_view                                    # of which product, nobody knows
    """,
)
