"""The most frequent value of a field, of several the one that came last."""

from collections.abc import Sequence
from typing import Any

from segments.language.measures.kind import Argument, MeasureKind


def _mode(_instants: Sequence[int], values: Sequence[Any], _now: int) -> Any:
    last = {value: place for place, value in enumerate(values)}
    return max(last, key=lambda value: (list(values).count(value), last[value]))


MODE = MeasureKind(
    "mode",
    "its most frequent value",
    _mode,
    argument=Argument.ANY,
    word="mode",
    definition="the most frequent value, of several the one that came last",
)
