"""Evening visitor.

Three visits in a month that began at six in the evening or later, by the clock of the shop.
"""

from segments.language import Segment, visit

evening_visitor = Segment(
    en="Visits in the evening",
    nl="Komt 's avonds",
    when=visit.where(visit.hour >= 18).within(days=28).count() >= 3,
    examples="""
        2026-01-05 18:00    page_view
        2026-01-06 23:59    page_view
        2026-01-07 20:00    page_view       enters
        2026-02-02 18:00    leaves                      # the first one is four weeks ago
        ---
        2026-01-05 17:59    x3 every 1d page_view       # a minute early
    """,
)
