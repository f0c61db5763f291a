"""Looker: one product three times since it was last bought."""

from segments.language import Segment, product_view, purchase

looker = Segment(
    en="Looks again and again",
    nl="Kijkt steeds weer",
    when=(
        product_view.by(product_view.product_id)
        .since(purchase.items.same(purchase.items.product_id))
        .within(minutes=2)
        .count()
        >= 3
    ),
)
