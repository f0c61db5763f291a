"""Recency, frequency, spend.

Each customer has one stage, by the days since the last order, the number of orders and
the money of a year; the cuts are fixed, so a stage changes by what the customer does or leaves, never
by what others do. Champions get early access, the loyal a thank-you, newcomers a second reason to come;
who is cooling gets a reminder, and only who slips gets an offer. Leave the sleeping ones
to the newsletter.
"""

from segments.language import Stages, days, purchase

orders = purchase.within(days=365)
spent = orders.sum(purchase.amount)

rfm_stage = Stages(
    en="Recency, frequency and spend",
    nl="Recentheid, frequentie en besteding",
    stages={
        "champion": [orders.idle < days(60), orders.count() >= 4, spent >= 200],
        "loyal": [orders.idle < days(90), orders.count() >= 3],
        "newcomer": orders.idle < days(60),
        "cooling": orders.idle < days(120),
        "slipping": [orders.count() >= 3, spent >= 100],
        "sleeping": orders.count() >= 1,
    },
    examples="""
        0d      purchase amount=40      enters newcomer
        60d                             leaves newcomer     enters cooling
        120d                            leaves cooling      enters sleeping
        365d                            leaves sleeping
        ---
        0d      purchase amount=60      enters newcomer
        10d     purchase amount=60
        20d     purchase amount=60      leaves newcomer     enters loyal
        30d     purchase amount=60      leaves loyal        enters champion
        90d                             leaves champion     enters loyal
        120d                            leaves loyal        enters cooling
        150d                            leaves cooling      enters slipping
        375d                            leaves slipping     enters sleeping     # two orders left
        395d                            leaves sleeping
        ---
        0d      purchase amount=20      enters newcomer
        10d     purchase amount=20
        20d     purchase amount=20      leaves newcomer     enters loyal
        30d     purchase amount=20                          # often, but below 200: no champion
        ---
        0d      cart_add                                    # no order yet
    """,
)
