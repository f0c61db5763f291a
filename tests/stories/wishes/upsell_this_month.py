"""Upsell, by the calendar month.

Used the product ten times this month on the free plan: the month of the calendar, since that is what the plan counts.
"""

from segments.language import Segment, event, profile

use = event("use", en="uses of the product", nl="keren dat het product is gebruikt")

upsell_this_month = Segment(
    en="Used the product ten times this month on the free plan",
    nl="Gebruikte het product deze maand tien keer met het gratis abonnement",
    when=[profile("plan") == "free", use.during("this month").count() >= 10],
    examples="""
        0d                  profile plan=free
        1d                  x10 every 1d use        enters
        2026-02-01 00:00    leaves                              # a new month
        ---
        0d                  profile plan=free
        2026-01-27 12:00    x9 every 1d use                     # five in January, four in February
        ---
        0d                  profile plan=paid
        1d                  x10 every 1d use
    """,
)
