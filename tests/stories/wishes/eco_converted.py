"""Converted in the first half of a test.

Bought within a week of entering `eco_test_group`: what an enter of another segment led to, as a segment of its own. How the
two halves compare is told by `segments report`, for rules with a goal and a control group.
"""

from eco_test_group import eco_test_group

from segments.language import Segment, entered, purchase

eco_converted = Segment(
    en="Bought within a week of entering the first half of the test",
    nl="Kocht binnen een week na het binnenkomen van de eerste helft van de test",
    when=purchase.after(entered(eco_test_group), days=7).within(days=30).count() >= 1,
    examples="""
        0d      x3 every 1h product_view category=eco       # enters the test at 2h
        1d      purchase                                    enters
        31d                                                 leaves
        ---
        0d      x3 every 1h product_view category=eco
        7d 2h   purchase                                    # a week after the enter: too late
        ---
        0d      purchase                                    # before it
        1d      x3 every 1h product_view category=eco
    """,
)
