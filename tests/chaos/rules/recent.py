"""Recent: did anything in the past minute; ends by time alone."""

from segments.language import Segment, any_event

recent = Segment(
    en="Active this minute", nl="Actief deze minuut", when=any_event.within(minutes=1).count() >= 1
)
