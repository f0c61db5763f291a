"""Unread mail.

Wants our mail and shops with us, but has opened none of it for 90 days. Writing
more often will not help: use the site and the app, and mail only what matters
(orders, deliveries).
"""

from segments.language import Segment, consent, email_open, visit

unread_mail = Segment(
    en="Visits the shop but has opened no mail for 90 days",
    nl="Bezoekt de winkel maar heeft 90 dagen geen mail geopend",
    when=[
        consent("marketing"),
        visit.within(days=30).count() >= 2,
        email_open.within(days=90).count() == 0,
    ],
    examples="""
        0d      profile consent.marketing=true
        1d      page_view
        2d      page_view                           enters
        3d      email_open                          leaves
        ---
        0d      profile consent.marketing=true
        0d      email_open
        80d     page_view
        81d     page_view
        90d                                         enters      # the last open was 90 days ago
        100d    profile consent.marketing=false     leaves      # no mail is sent any more
        ---
        0d      profile consent.marketing=true
        1d      page_view
        2d      page_view                           enters
        31d                                         leaves      # no longer visits
        ---
        0d      profile consent.marketing=true
        1d      page_view
        1d 20m  page_view                                       # still the same visit
        ---
        0d      page_view
        1d      page_view                                       # never asked for mail
    """,
)
