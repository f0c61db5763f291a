"""The time since the latest event."""

from segments.language.measures.kind import MeasureKind

IDLE = MeasureKind(
    "idle",
    "the time since the latest event",
    lambda instants, _values, now: now - instants[-1],
    duration=True,
    grows=True,
    latest=True,
    word="latest",
    definition="*then* minus the time of the latest event",
)
