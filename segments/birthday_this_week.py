"""Birthday this week.

The birthday in the profile is at most seven days away, or today, and the
customer was seen in the past year. Send the wish with a small present while
it can still arrive in time; the exit at the end of the day ends the offer.
"""

from segments.language import Segment, any_event, days, profile

birthday_this_week = Segment(
    en="Has a birthday within a week",
    nl="Is binnen een week jarig",
    when=[
        profile("birthday").date.anniversary <= days(7),
        any_event.within(days=365).count() >= 1,
    ],
    examples="""
        0d      page_view
        1d      profile birthday=1990-02-14
        2026-02-07 00:00    enters      # a week before
        2026-02-15 00:00    leaves      # the day is over
        ---
        0d      page_view
        1d      profile birthday=1988-01-05     enters
        2d      profile birthday=soon           leaves      # no date
        ---
        1d      profile birthday=1990-01-04                 # never seen in the shop
        2d      profile birthday=1990-06-01
    """,
)
