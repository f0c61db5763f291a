"""The measures of the language, a file for each. To add one: its file, its place in `MEASURES`, a method of `Events`.

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

from segments.language.measures.age import AGE
from segments.language.measures.alive import ALIVE
from segments.language.measures.clv import CLV
from segments.language.measures.count import COUNT
from segments.language.measures.distinct import DISTINCT
from segments.language.measures.expected import EXPECTED
from segments.language.measures.first import FIRST
from segments.language.measures.gap import GAP
from segments.language.measures.idle import IDLE
from segments.language.measures.kind import Argument, MeasureKind
from segments.language.measures.last import LAST
from segments.language.measures.max import MAX
from segments.language.measures.mean import MEAN
from segments.language.measures.min import MIN
from segments.language.measures.mode import MODE
from segments.language.measures.sum import SUM
from segments.language.measures.values import VALUES

__all__ = [
    "AGE",
    "ALIVE",
    "CLV",
    "COUNT",
    "DISTINCT",
    "EXPECTED",
    "FIRST",
    "GAP",
    "IDLE",
    "LAST",
    "MAX",
    "MEAN",
    "MEASURES",
    "MIN",
    "MODE",
    "PREDICTIONS",
    "SUM",
    "VALUES",
    "Argument",
    "MeasureKind",
]

MEASURES = {
    each.name: each for each in (COUNT, SUM, MEAN, MAX, MIN, DISTINCT, LAST, FIRST, MODE, IDLE, AGE, GAP)
}
"""By name, in the order of the documents."""
PREDICTIONS = {each.name: each for each in (ALIVE, EXPECTED, CLV)}
"""Those that need a model."""
