"""Views: 4 pages or more, so that a page lost or counted twice is seen."""

from segments.language import Segment, page_view

views_4 = Segment(en="4 pages", nl="4 pagina's", when=page_view.within(days=1).count() >= 4)
