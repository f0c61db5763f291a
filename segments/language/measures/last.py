"""The value of a field at the latest event that has it."""

from segments.language.measures.kind import Argument, MeasureKind

LAST = MeasureKind(
    "last",
    "its value at the latest event that has it",
    lambda _instants, values, _now: values[-1],
    argument=Argument.ANY,
    latest=True,
    word="latest",
    definition="the value at the latest event that has one",
)
