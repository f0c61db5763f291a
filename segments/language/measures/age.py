"""The time since the earliest event."""

from segments.language.measures.kind import MeasureKind

AGE = MeasureKind(
    "age",
    "the time since the earliest event",
    lambda instants, _values, now: now - instants[0],
    duration=True,
    grows=True,
    word="earliest",
    definition="*then* minus the time of the earliest event",
)
