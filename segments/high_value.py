"""High-value customers.

Buys often *and* spends enough: one large order alone does not qualify. Worth a
personal service: free returns, early access, a name to call.
"""

from segments.language import Segment, purchase

orders = purchase.within(days=365)

high_value = Segment(
    en="At least 500 euros in at least four orders in a year",
    nl="Minstens 500 euro in minstens vier bestellingen in een jaar",
    when=[
        orders.sum(purchase.amount) >= 500,
        orders.count() >= 4,
    ],
    examples="""
        0d      purchase amount=150
        30d     purchase amount=150
        60d     purchase amount=150
        90d     purchase amount=50      enters
        365d                            leaves      # the first order no longer counts
        ---
        0d      purchase amount=900                 # one order only
        ---
        0d      purchase amount=150
        1d      purchase amount=150
        2d      purchase amount=150
        3d      purchase amount=49.99               # a cent short
    """,
)
