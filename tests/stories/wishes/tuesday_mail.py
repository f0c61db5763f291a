"""Tuesday mail.

Opened two mails on a Tuesday within a month: send on Tuesdays.
"""

from segments.language import Segment, email_open

tuesday_mail = Segment(
    en="Opens mail on Tuesdays",
    nl="Opent mail op dinsdag",
    when=email_open.where(email_open.weekday == "tuesday").within(days=30).count() >= 2,
    examples="""
        2026-01-06 09:00    email_open
        2026-01-13 09:00    email_open      enters
        2026-02-05 09:00    leaves
        ---
        2026-01-06 09:00    email_open
        2026-01-14 09:00    email_open                  # a Wednesday
    """,
)
