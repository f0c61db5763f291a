"""One customer's life told in a line, for the tests of the oracle."""

from collections.abc import Sequence
from typing import Any

from segments.language import (
    Segment,
)
from segments.language.truth.life import Customer
from segments.language.truth.memory import NEVER
from tests.properties.records import DAY, START, Arrival, click, transaction

GRACE = 2_000


def lived(rules: Any, arrivals: Sequence[Arrival], until: int | None = None) -> Customer:
    """A customer after these records, in this order, in a partition that has no other customer."""
    segments = rules if isinstance(rules, list) else [Segment(id="rule", when=rules)]
    customer, clock = Customer(segments), NEVER
    for offset, arrival in enumerate(arrivals):
        outcome = customer.apply(arrival.step(offset), clock)
        if outcome == "applied" and arrival.event is not None:
            clock = max(clock, min(arrival.time, arrival.timestamp) - GRACE)
    if until is not None:
        customer.fire(START + until + 1)
    return customer


def told(rules: Any, arrivals: Sequence[Arrival], until: int | None = None) -> list[tuple[str, int, str]]:
    """Transition, instant after `START` and reason of every flip."""
    flips = lived(rules, arrivals, until).flips
    return [(flip["transition"], flip["occurred_at"] - START, flip["reason"]) for flip in flips]


def at(day: float, kind: str, **fields: Any) -> Arrival:
    """Something that happened so many days after `START`."""
    make = transaction if kind in ("purchase", "refund") else click
    return make(round(day * DAY), kind, **fields)
