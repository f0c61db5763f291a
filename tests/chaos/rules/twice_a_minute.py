"""Twice a minute: two events in one minute; ends by time alone."""

from segments.language import Segment, any_event

twice_a_minute = Segment(
    en="Two events in a minute",
    nl="Twee in een minuut",
    when=any_event.within(minutes=1).count() >= 2,
    goal=any_event.within(minutes=1),
)
