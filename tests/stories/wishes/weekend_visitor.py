"""Weekend visitor.

Three visits in a month on a Saturday or Sunday, and more of them than on other days. Send on Friday.
"""

from segments.language import Segment, visit

weekend = visit.where(visit.weekday.is_in("saturday", "sunday")).within(days=28)
weekday = visit.where(visit.weekday.is_in("monday", "tuesday", "wednesday", "thursday", "friday")).within(
    days=28
)

weekend_visitor = Segment(
    en="Visits mostly at the weekend",
    nl="Komt vooral in het weekend",
    when=[weekend.count() >= 3, weekend.count() > weekday.count()],
    examples="""
        2026-01-03 10:00    page_view                   # a Saturday
        2026-01-04 10:00    page_view
        2026-01-10 10:00    page_view       enters
        2026-01-12 10:00    page_view
        2026-01-13 10:00    page_view
        2026-01-14 10:00    page_view       leaves      # three and three
        ---
        2026-01-05 10:00    x3 every 1d page_view       # Monday to Wednesday
    """,
)
