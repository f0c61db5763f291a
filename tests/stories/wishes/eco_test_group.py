"""One half of a test.

Half of those who looked at three eco products; the other half is left alone, the same customers in each rule of this name.
"""

from segments.language import Segment, product_view, split

eco_test_group = Segment(
    en="Looked at eco products, first half of the test",
    nl="Bekeek duurzame producten, eerste helft van de test",
    when=[
        split("eco", percent=50),
        product_view.where(product_view.category == "eco").within(days=14).count() >= 3,
    ],
    examples="""
        0d      x3 every 1h product_view category=eco       enters
        14d                                                 leaves
        ---
        0d      x2 every 1h product_view category=eco       # two are too few
        1d      product_view category=other
    """,
)
