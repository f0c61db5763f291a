"""Quiet: looked at a page, and at none for an hour since. For measuring flips by time."""

from segments.language import Segment, hours, page_view

quiet = Segment(
    en="No page viewed for an hour",
    nl="Een uur geen pagina bekeken",
    when=page_view.within(days=1).idle >= hours(1),
)
