"""Where a customer is on the way from looking to loyal.

One stage at a time: whoever looks around gets help choosing, a customer gets service, a loyal customer gets thanks.
A change of stage is an exit and an enter, so that one campaign ends as the next one begins.
"""

from segments.language import Stages, product_view, purchase

journey = Stages(
    en="Customer journey",
    nl="Klantreis",
    stages={
        "loyal": purchase.within(days=365).count() >= 4,
        "customer": purchase.within(days=365).count() >= 1,
        "considering": product_view.within(days=30).count() >= 3,
    },
    examples="""
        0d    product_view
        1d    product_view
        2d    product_view                  enters considering
        3d    purchase amount=40            leaves considering  enters customer
        40d   x3 every 1d purchase amount=9 leaves customer     enters loyal
        368d                                leaves loyal        enters customer
        407d                                leaves customer     # the last purchase is a year ago
        ---
        0d    x2 every 1d product_view                          # two looks are no stage yet
    """,
)
