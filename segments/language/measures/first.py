"""The value of a field at the earliest event that has it."""

from segments.language.measures.kind import Argument, MeasureKind

FIRST = MeasureKind(
    "first",
    "its value at the earliest event that has it",
    lambda _instants, values, _now: values[0],
    argument=Argument.ANY,
    word="first",
    definition="the value at the earliest event that has one",
)
