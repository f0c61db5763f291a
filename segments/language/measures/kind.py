"""What a measure is, as data: each has a file of its own, and all differences between measures are fields here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Argument(Enum):
    """The field that a measure takes."""

    NONE = "none"
    NUMBER = "a number"
    ANY = "any"


Exact = Callable[[Sequence[int], Sequence[Any], int], Any]
"""The value of a measure, of the instants of its events (earliest first), of the values of its field in the same order
(missing ones left out), and of now. It is asked only if there are such events or, with a field, such values."""


def modelled(_instants: Sequence[int], _values: Sequence[Any], _now: int) -> Any:
    """The value of a measure that needs a model: instants and values don't tell it."""
    raise TypeError("a measure by a model is told by its model")


def listed(_instants: Sequence[int], _values: Sequence[Any], _now: int) -> Any:
    """The value of a measure that is a list: no condition compares with it, details alone show it."""
    raise TypeError("a list of values is shown by details")


@dataclass(frozen=True, slots=True)
class MeasureKind:
    """One of the measures of the language."""

    name: str
    meaning: str
    """For the table of measures: `count()` is *how many events*."""
    exact: Exact
    argument: Argument = Argument.NONE
    of_nothing: int | None = None
    """Its value of no events; None: it has no value."""
    counts: bool = False
    """Whether its value is a number of things, whatever its field holds."""
    fraction: bool = False
    """Whether its value need not be one that a field can hold."""
    duration: bool = False
    """Whether its value is a length of time."""
    grows: bool = False
    """Whether it grows by itself. Others change only as events come and leave their window."""
    latest: bool = False
    """Whether the latest event alone decides, so that no other needs to be kept."""
    word: str = ""
    """The key of its word in the languages: `sum` is *total* in English."""
    definition: str = ""
    """For `segments/SEMANTICS.md`: its exact value, of a field `f`, as of *then*."""

    @property
    def needs_value(self) -> bool:
        """Whether only events that have the field matter: without one it has no value."""
        return self.argument is not Argument.NONE and self.of_nothing is None

    @property
    def picks(self) -> bool:
        """Whether its value is the field's value of one of the events, so that a text will do."""
        return self.argument is Argument.ANY and not self.counts

    def value(self, instants: Sequence[int], values: Sequence[Any], now: int) -> Any:
        """Its exact value, None if it has none; the arguments as of `Exact`."""
        there = instants if self.argument is Argument.NONE else values
        return self.exact(instants, values, now) if there else self.of_nothing
