"""How many events there are."""

from segments.language.measures.kind import MeasureKind

COUNT = MeasureKind(
    "count",
    "how many events",
    lambda instants, _values, _now: len(instants),
    of_nothing=0,
    counts=True,
    definition="the number of events",
)
