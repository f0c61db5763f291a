"""Half the visits.

At least four visits in the month before, and at most half as many in the last one. Ask what is missing.
"""

from segments.language import Segment, visit

month = visit.within(days=30)

half_the_visits = Segment(
    en="Visits at most half as often as in the month before",
    nl="Komt hooguit half zo vaak als de maand ervoor",
    when=[month.ago(days=30).count() >= 4, 2 * month.count() <= month.ago(days=30).count()],
    examples="""
        0d      x4 every 5d page_view
        40d     page_view
        45d     enters                                  # four before, one since
        50d     x2 every 1d page_view                   leaves
        ---
        0d      x3 every 5d page_view                   # three were too few to be halved
        60d
    """,
)
