"""The best tenth.

Spent as much in a year as the best ten per cent of all customers: the people
whom a shop cannot afford to disappoint. Ask them first, thank them in person, and
never send them the discount that is meant to win strangers. One leaves below the
best twelve per cent, so that nobody near the border comes and goes.
"""

from segments.language import Segment, purchase, top

spent = purchase.within(days=365).sum(purchase.amount)

top_tenth = Segment(
    en="Spent as much in a year as the best ten per cent of the customers",
    nl="Gaf in een jaar zoveel uit als de beste tien procent van de klanten",
    when=spent >= top(percent=10),
    until=spent < top(percent=12),
    examples="""
        0d      border "purchase.within(days=365).sum(purchase.amount) top(percent=10)" 500
        0d      border "purchase.within(days=365).sum(purchase.amount) top(percent=12)" 450
        1d      purchase amount=300
        20d     purchase amount=200     enters
        366d                            leaves      # the first order no longer counts
        ---
        0d      border "purchase.within(days=365).sum(purchase.amount) top(percent=10)" 500
        0d      border "purchase.within(days=365).sum(purchase.amount) top(percent=12)" 450
        1d      purchase amount=500     enters
        30d     border "purchase.within(days=365).sum(purchase.amount) top(percent=10)" 520
        31d                                         # below the border, above the way out
        60d     border "purchase.within(days=365).sum(purchase.amount) top(percent=12)" 501   leaves
        ---
        0d      border "purchase.within(days=365).sum(purchase.amount) top(percent=10)" 500
        0d      border "purchase.within(days=365).sum(purchase.amount) top(percent=12)" 450
        1d      purchase amount=499.99              # a cent short
        ---
        0d      purchase amount=9000                # no border is published yet
    """,
)
