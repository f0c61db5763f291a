"""Spender: a new rule over a measure that the twelve keep, so that its members are known at once."""

from segments.language import Segment, purchase

spender = Segment(
    en="Ordered eight times in a year",
    nl="Acht bestellingen in een jaar",
    when=purchase.within(days=365).count() >= 8,
    examples="""
        0d x8 every 1d  purchase   enters
    """,
)
