"""Price sensitive.

Three orders or more in a year, more than half of them with a coupon. Tell them of the sale first.
"""

from segments.language import Segment, not_, purchase

orders = purchase.within(days=365)
full_price = purchase.where(not_(purchase.attributes["coupon"] != "")).within(days=365)

price_sensitive = Segment(
    en="Buys more often with a coupon than without",
    nl="Koopt vaker met een kortingsbon dan zonder",
    when=[orders.count() >= 3, full_price.count() / orders.count() < 0.5],
    examples="""
        0d      purchase attributes.coupon=WINTER10
        1d      purchase attributes.coupon=SPRING
        2d      purchase                                    enters
        3d      purchase                                    leaves      # half is not most
        ---
        0d      purchase attributes.coupon=WINTER10
        1d      purchase attributes.coupon=SPRING                       # two orders are no habit
    """,
)
