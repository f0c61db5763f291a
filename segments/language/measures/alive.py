"""The probability that the customer will ever buy again, by a model of purchases."""

from segments.language.measures.kind import MeasureKind, modelled

ALIVE = MeasureKind("alive", "the probability of another purchase", modelled, fraction=True, word="alive")
