"""How many different values a field has."""

from segments.language.measures.kind import Argument, MeasureKind

DISTINCT = MeasureKind(
    "distinct",
    "how many different values it has",
    lambda _instants, values, _now: len(set(values)),
    argument=Argument.ANY,
    of_nothing=0,
    counts=True,
    definition="the number of different values",
)
