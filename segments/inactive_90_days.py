"""Inactive for 90 days.

Once a customer, silent for a quarter. A win-back offer goes out the day they
enter. After two years the customer is gone rather than inactive: they leave the
segment, and what was known of them is forgotten.
"""

from segments.language import Segment, any_event, days

inactive_90_days = Segment(
    en="No activity for 90 days",
    nl="90 dagen geen activiteit",
    when=any_event.within(days=730).idle >= days(90),
    examples="""
        0d      page_view
        90d                     enters
        100d    page_view       leaves
        190d                    enters
        830d                    leaves      # two years after the last visit
        ---
        0d      page_view
        89d     page_view                   # just in time
        179d                    enters
        819d                    leaves
        ---
        0d      page_view
        60d     email_open                  # reading a mail is activity too
        120d    purchase
    """,
)
