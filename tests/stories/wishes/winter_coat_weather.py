"""Winter coats, in winter.

Lives in the north and came in the past month; in December, January and February alone.
"""

from segments.language import Segment, profile, today, visit

winter_coat_weather = Segment(
    en="Lives in the north, in winter",
    nl="Woont in het noorden, in de winter",
    when=[
        profile("climate") == "north",
        visit.within(days=90).count() >= 1,
        today.month.is_in(12, 1, 2),
    ],
    examples="""
        0d                  profile climate=north
        1d                  page_view       enters
        2026-03-01 00:00    leaves                          # spring
        ---
        2026-11-28 12:00    profile climate=north
        2026-11-29 12:00    page_view                       # autumn: not yet
        2026-12-01 00:00    enters
        ---
        0d                  profile climate=south
        1d                  page_view                       # winter, and warm
    """,
)
