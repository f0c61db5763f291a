"""Spender: bought for a hundred in a day."""

from segments.language import Segment, purchase

spender = Segment(
    en="Spent a hundred",
    nl="Honderd uitgegeven",
    when=purchase.within(days=1).sum(purchase.amount) >= 100,
    goal=purchase.within(minutes=5),
    revenue=purchase.amount,
    control=50,
)
