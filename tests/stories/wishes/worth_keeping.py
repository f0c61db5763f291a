"""Worth keeping, and likely to go.

The scores of a model, which comes as a profile source of its own: customer value over 1000, a chance of leaving over
70 %, and an order expected within a fortnight at less than one in ten. A record of scores leaves age, interests and
consents as they are.
"""

from segments.language import Segment, profile

worth_keeping = Segment(
    en="Worth more than 1000 and likely to leave",
    nl="Meer dan 1000 waard en waarschijnlijk vertrekkend",
    when=[profile("clv") > 1000, profile("churn") > 0.7, profile("buys_in_14_days") < 0.1],
    examples="""
        0d      profile clv=1200 churn=0.71 buys_in_14_days=0.05    enters
        1d      profile clv=1200 churn=0.7 buys_in_14_days=0.05     leaves
        2d      profile clv=1000 churn=0.9 buys_in_14_days=0.05                 # not over 1000
        ---
        0d      profile clv=1200 churn=0.9 buys_in_14_days=0.1                  # buys soon
    """,
)
