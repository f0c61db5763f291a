"""The number of days with a purchase to be expected, by a model of purchases."""

from segments.language.measures.kind import MeasureKind, modelled

EXPECTED = MeasureKind(
    "expected", "the purchase days to be expected", modelled, fraction=True, word="expected"
)
