"""Three visits without conversion.

Interested but undecided: came back within a week and bought nothing since.
Personalisation answers doubt (reviews, returns policy), not choice.
"""

from segments.language import Segment, purchase, visit

three_visits_without_conversion = Segment(
    en="Visited three times in a week without buying",
    nl="Drie keer in een week langs geweest zonder iets te kopen",
    when=visit.since(purchase).within(days=7).count() >= 3,
    goal=purchase.within(days=7),
    revenue=purchase.amount,
    examples="""
        0d      page_view
        2d      page_view
        4d      page_view       enters
        5d      purchase        leaves
        ---
        0d      page_view
        2d      purchase
        3d      page_view
        4d      page_view                   # two since the purchase: not yet
        ---
        0d      page_view
        3d      page_view
        6d      page_view       enters
        7d                      leaves      # the first visit is a week old
    """,
)
