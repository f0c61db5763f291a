"""The spend to be expected, by a model of purchases and spend."""

from segments.language.measures.kind import MeasureKind, modelled

CLV = MeasureKind("clv", "the spend to be expected", modelled, fraction=True, word="clv")
