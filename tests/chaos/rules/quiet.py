"""Quiet: nothing for a minute; begins by time alone."""

from segments.language import Segment, any_event, minutes

quiet = Segment(
    en="A minute of silence",
    nl="Een minuut stilte",
    when=any_event.within(days=1).idle >= minutes(1),
    goal=any_event.within(minutes=2),
    control=50,
)
