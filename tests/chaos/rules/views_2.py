"""Views: 2 pages or more, so that a page lost or counted twice is seen."""

from segments.language import Segment, any_event, page_view

views_2 = Segment(
    en="2 pages",
    nl="2 pagina's",
    when=page_view.within(days=1).count() >= 2,
    goal=any_event.within(minutes=1),
    control=20,
)
