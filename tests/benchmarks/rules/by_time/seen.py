"""Seen: looked at a product. For measuring what flips by time do to flips by events."""

from segments.language import Segment, product_view

seen = Segment(
    en="Viewed a product today",
    nl="Heeft vandaag een product bekeken",
    when=product_view.within(days=1).count() >= 1,
)
