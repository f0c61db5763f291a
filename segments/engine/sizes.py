"""How many bytes an entry takes: a customer is made up, and written as a worker would write them.

Texts are taken to be twelve characters long, and each entry of `by` to have a value of its own.
"""

from typing import Any

from segments.engine.customer import Customer
from segments.engine.remember import Columns, Kept
from segments.engine.state import whole
from segments.language.catalogue import Type
from segments.language.nodes.durations import HOUR
from segments.language.nodes.fields import Field
from segments.plan.planner import Plan, Stream

TYPICAL = {Type.TEXT: "product-1234", Type.WHOLE: 2, Type.MONEY: 49_95}
DATE = "2026-11-22"
NOW = 1_795_000_000_000
MANY = 16
"""Entries that are written to know the size of one."""


def entry_size(of: Plan, place: int) -> int:
    """Bytes that an entry of a stream adds to the state of a customer, rounded up."""
    stream = of.streams[place]
    count = 1 if stream.latest and stream.key is None else MANY
    empty, full = Customer(b"", len(of.streams), None), Customer(b"", len(of.streams), None)
    empty.instant = full.instant = NOW
    full.streams[place] = _made_up(stream, count)
    return -((len(whole(empty, of, 0)) - len(whole(full, of, 0))) // count)


def _made_up(stream: Stream, count: int) -> Kept:
    times = [NOW - (count - number) * HOUR for number in range(count)]
    if stream.key is not None:
        of_key = [_columns(stream, [time]) for time in times]
        return {_typical(stream.key, number): columns for number, columns in enumerate(of_key)}
    return _columns(stream, times)


def _columns(stream: Stream, times: list[int]) -> Columns:
    columns: Columns = [[_typical(each, number) for number in range(len(times))] for each in stream.columns]
    return [list(times), *columns, *([list(times)] if stream.visits else [])]


def _typical(field: Field, number: int) -> Any:
    if field.name == "day":
        return DATE
    value: Any = TYPICAL[field.type]
    return f"{value[:-2]}{number:02}" if isinstance(value, str) else value + number
