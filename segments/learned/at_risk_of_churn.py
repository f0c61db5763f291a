"""At risk of churn.

Bought at least twice, and has been silent for so long that another purchase is
improbable: below three in ten, by a model of how this shop's customers come
and go. Who buys every week is at risk after weeks, who buys twice a year after many
months. Write once, say what is new since their last order, and ask what was wrong;
a discount is for the last attempt. `segments fit buyers` fits the model to your own customers.
"""

from segments.language import Segment, model, purchase

orders = purchase.within(days=540)

at_risk_of_churn = Segment(
    en="Bought at least twice and will probably not buy again",
    nl="Kocht minstens twee keer en koopt waarschijnlijk niet meer",
    when=[orders.count() >= 2, orders.alive(model("buyers")) < 0.3],
    examples="""
        0d      purchase
        30d     purchase
        ~294d   enters                  # two orders, a month apart: after 264 days of silence
        300d    purchase    leaves
        ---
        0d      x12 every 30d purchase
        ~494d   enters                  # bought every month: after 164 days of silence
        840d    leaves                  # one order is left in the window
        ---
        0d      purchase
        200d    purchase
        540d                            # buys seldom: the silence is not long enough
        ---
        0d      purchase
        500d                            # bought once
    """,
)
