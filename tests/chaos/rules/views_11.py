"""Views: 11 pages or more, so that a page lost or counted twice is seen."""

from segments.language import Segment, page_view

views_11 = Segment(en="11 pages", nl="11 pagina's", when=page_view.within(days=1).count() >= 11)
