"""Browser: a new rule over a measure that nothing keeps, so that it has to be filled from history."""

from segments.language import Segment, product_view

browser = Segment(
    en="Viewed nine products in 30 days",
    nl="Negen producten bekeken in 30 dagen",
    when=product_view.within(days=30).count() >= 9,
    examples="""
        0d x9 every 1h  product_view   enters
    """,
)
