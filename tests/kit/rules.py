"""Rules that several tests use."""

from segments.language import Segment, cart_add, hours, page_view, purchase

CART = Segment(id="cart", when=cart_add.since(purchase).within(days=30).idle >= hours(1))
"""A cart left for an hour: time alone lets a customer enter."""
THREE = Segment(id="three", when=page_view.since(purchase).within(days=7).count() >= 3)
"""Three pages within a week and nothing bought since: time alone lets a customer leave."""
