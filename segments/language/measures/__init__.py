"""The measures of the language, a file for each, found by looking. To add one: its file, and a method of `Events`.

age       the time since the earliest event
alive     the probability of another purchase, by a model
clv       the spend to be expected, by a model
count     how many events
distinct  how many different values of a field
expected  the purchase days to be expected, by a model
first     the value of a field at the earliest event that has it
gap       the mean time between one event and the next
idle      the time since the latest event
last      the value of a field at the latest event that has it
max       the largest value
mean      the mean
min       the smallest value
mode      the most frequent value
sum       the sum
values    the different values of a field, for details alone

kind      what a measure is, as data
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from segments.language.measures.kind import Argument, MeasureKind, listed, modelled

__all__ = ["KINDS", "MEASURES", "PREDICTIONS", "Argument", "MeasureKind"]


def _found() -> Iterator[MeasureKind]:
    for module in sorted(each.name for each in pkgutil.iter_modules(__path__)):
        for value in vars(import_module(f"{__name__}.{module}")).values():
            if isinstance(value, MeasureKind):
                yield value


KINDS = {each.name: each for each in _found()}
"""All of them by name, in the order of the alphabet."""
MEASURES = {name: each for name, each in KINDS.items() if each.exact not in (modelled, listed)}
"""Those that every rule can use."""
PREDICTIONS = {name: each for name, each in KINDS.items() if each.exact is modelled}
"""Those that need a model."""
