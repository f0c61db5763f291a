"""Welcome: gave consent, and was here."""

from segments.language import Segment, any_event, consent

welcome = Segment(
    en="Consented visitor",
    nl="Bezoeker met toestemming",
    when=[consent("marketing"), any_event.within(days=1).count() >= 1],
)
