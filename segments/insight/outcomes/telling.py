"""Numbers as they are told: none of fewer than ten customers, and nothing that would tell one."""

from typing import Any

from segments.insight.outcomes.period import FEW, FEWEST, Count
from segments.insight.outcomes.statistics import wilson

Figures = dict[str, Any]


def few(customers: int) -> int | str:
    """A number of customers, if it may be told."""
    return customers if customers >= FEWEST else FEW


def share(part: int, whole: int) -> float | str | None:
    """A share of customers; None: there are none."""
    if not whole:
        return None
    return part / whole if part >= FEWEST else FEW


def conversion(mature: Count, converted: Count) -> Figures:
    """The share of those that have matured, with its interval; whether it may be told goes by the converted."""
    if mature.customers < FEWEST or converted.customers < FEWEST:
        return {"converted": FEW, "conversion": FEW if mature.times else None, "interval": None}
    return {
        "converted": converted.times,
        "conversion": converted.times / mature.times,
        "interval": list(wilson(converted.times, mature.times)),
    }


def per(cents: int, of: Count, by: Count) -> str | None:
    """An amount per unit, shown if enough customers contributed to it."""
    if not of.times:
        return None
    return amount(cents / of.times / 100) if min(of.customers, by.customers) >= FEWEST else FEW


def amount(value: float) -> str:
    """An amount with two decimals."""
    return f"{value:.2f}"
