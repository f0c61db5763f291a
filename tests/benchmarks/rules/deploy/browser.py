"""Browser: a new rule over a measure that nothing keeps, so that it has to be filled from history."""

from segments.language import Segment, product_view

browser = Segment(
    en="Viewed twelve products in 30 days",
    nl="Twaalf producten bekeken in 30 dagen",
    when=product_view.within(days=30).count() >= 12,
    examples="""
        0d x12 every 1h  product_view   enters
    """,
)
