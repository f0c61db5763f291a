"""The mean time between one event and the next: from the earliest to the latest, divided, rounded down."""

from collections.abc import Sequence
from typing import Any

from segments.language.measures.kind import MeasureKind


def _gap(instants: Sequence[int], _values: Sequence[Any], _now: int) -> int | None:
    return (instants[-1] - instants[0]) // (len(instants) - 1) if len(instants) > 1 else None


GAP = MeasureKind(
    "gap",
    "the mean time between one event and the next",
    _gap,
    duration=True,
    word="gap",
    definition="(latest − earliest) / (count − 1), rounded down to the millisecond; of two events or more",
)
