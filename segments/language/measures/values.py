"""The different values of a field, the latest first: for details alone."""

from segments.language.measures.kind import Argument, MeasureKind, listed

VALUES = MeasureKind(
    "values",
    "its different values, the latest first, as a JSON array",
    listed,
    argument=Argument.ANY,
)
