"""Three events: the one rule that every engine can run, for comparing them.

A marketer does nothing with it.
"""

from segments.language import Segment, any_event

three_events = Segment(
    en="Three events in a month",
    nl="Drie gebeurtenissen in een maand",
    when=any_event.within(days=30).count() >= 3,
)
