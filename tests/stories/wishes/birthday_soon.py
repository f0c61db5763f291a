"""Birthday soon.

The birthday is within a week, or today.
"""

from segments.language import Segment, days, profile

birthday_soon = Segment(
    en="Has a birthday within a week",
    nl="Is binnen een week jarig",
    when=profile("birthday").date.anniversary <= days(7),
    examples="""
        0d                  profile birthday=1990-02-14
        2026-02-07 00:00    enters
        2026-02-15 00:00    leaves
        2027-02-07 00:00    enters
        2027-02-15 00:00    leaves
        ---
        0d                  profile birthday=1990-01-09         # a day too far
        1d                  profile birthday=1990-06-01
    """,
)
