"""The smallest value of a field."""

from segments.language.measures.kind import Argument, MeasureKind

MIN = MeasureKind(
    "min",
    "its smallest value",
    lambda _instants, values, _now: min(values),
    argument=Argument.ANY,
    word="min",
    definition="the smallest value",
)
