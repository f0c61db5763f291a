"""The largest value of a field."""

from segments.language.measures.kind import Argument, MeasureKind

MAX = MeasureKind(
    "max",
    "its largest value",
    lambda _instants, values, _now: max(values),
    argument=Argument.ANY,
    word="max",
    definition="the largest value",
)
