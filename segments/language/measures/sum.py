"""The sum of a field."""

from segments.language.measures.kind import Argument, MeasureKind

SUM = MeasureKind(
    "sum",
    "the sum of a field",
    lambda _instants, values, _now: sum(values),
    argument=Argument.NUMBER,
    of_nothing=0,
    word="sum",
    definition="the sum of the values of `f`",
)
