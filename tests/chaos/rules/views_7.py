"""Views: 7 pages or more, so that a page lost or counted twice is seen."""

from segments.language import Segment, page_view

views_7 = Segment(en="7 pages", nl="7 pagina's", when=page_view.within(days=1).count() >= 7)
