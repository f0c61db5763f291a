"""What a model tells, for the oracle: its value at an instant, and when time alone makes it pass its bound."""

from collections.abc import Iterator
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from segments.language.nodes.predictions import Predicted
from segments.language.truth.buying import DAY, History, alive, expected, history, spend
from segments.language.truth.memory import Event, Memory, read

DIGITS = Context(prec=60)
"""Digits of a value in the evidence: half of those that it was calculated with, so that equal numbers are equal."""


def foretold(measure: Predicted, rows: list[Event], now: int, memory: Memory) -> Fraction | None:
    """The value of a measure by a model, of the purchases in the window; None: there are none."""
    bought = _history(measure, rows, memory)
    return None if bought is None else _value(measure, bought, now)


def _history(measure: Predicted, rows: list[Event], memory: Memory) -> History | None:
    amounts = [None if measure.field is None else read(measure.field, each, memory) for each in rows]
    at = [int(each["occurred_at"]) for each in rows]
    return history(list(zip(at, amounts, strict=True)), memory.zone)


def _value(measure: Predicted, bought: History, now: int) -> Fraction:
    return _told(measure.of, measure.name, measure.days, bought, now)


@cache
def _told(model: Any, name: str, days: int, bought: History, now: int) -> Fraction:
    numbers, first = dict(model.parameters), bought.days[0]
    x, last, since = bought.x, Decimal(bought.days[-1] - first) / DAY, Decimal(now - first) / DAY
    if name == "alive":
        return Fraction(DIGITS.plus(alive(numbers, x, last, since)))
    value = expected(numbers, x, last, since, days)
    if name == "clv":
        value = DIGITS.multiply(value, spend(dict(model.spend), bought.totals))
    return Fraction(DIGITS.plus(value))


def passing_of_bound(
    measure: Predicted, rows: list[Event], now: int, memory: Memory, bound: Decimal
) -> Iterator[int]:
    """The instants after `now` at which the value is for the first time the bound or less, and less than the bound."""
    bought = _history(measure, rows, memory)
    if bought is None:
        return
    end = int(rows[0]["occurred_at"]) + (measure.events.window or 0) - 1
    for least in (True, False):
        yield from _first(measure, bought, now, end, Fraction(bound), least=least)


def _first(
    measure: Predicted, bought: History, now: int, end: int, bound: Fraction, *, least: bool
) -> Iterator[int]:
    """The first instant in (now, end] at which the value is less than the bound; `least`: or equal to it."""

    def is_below(at: int) -> bool:
        value = _value(measure, bought, at)
        return value <= bound if least else value < bound

    if end <= now or is_below(now) or not is_below(end):
        return
    low, high = now, end
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_below(middle) else (middle, high)
    yield high
