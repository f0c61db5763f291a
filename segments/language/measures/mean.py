"""The mean of a field: a fraction, never rounded before it is compared."""

from fractions import Fraction

from segments.language.measures.kind import Argument, MeasureKind

MEAN = MeasureKind(
    "mean",
    "the mean of a field",
    lambda _instants, values, _now: Fraction(sum(values)) / len(values),
    argument=Argument.NUMBER,
    fraction=True,
    word="mean",
    definition="the exact mean of the values",
)
