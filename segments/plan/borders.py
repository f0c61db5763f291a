"""Borders: what a plan asks for, and the numbers that were published for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec


class BorderKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a border is of: two plans that ask for equal ones share it."""

    measure: str
    """The normalised text."""
    percent: str
    """A decimal without zeros at its end: the share of the customers from the border up."""
    currency: str
    """ISO 4217."""
    zone: str
    """The IANA name."""


@dataclass(frozen=True, slots=True)
class Border:
    """A border that was learned from all customers."""

    key: BorderKey
    value: str
    """A decimal: units of the currency, milliseconds of a duration."""
    customers: int
    """How many customers had a value other than zero."""
    taken_at: int
    """The instant of the census, in milliseconds; 0 if nobody told."""


def published(wanted: Sequence[BorderKey], borders: Iterable[Border]) -> list[str | None]:
    """The values of these borders, in their order; None: it is not published."""
    values = {border.key: border.value for border in borders}
    return [values.get(key) for key in wanted]


def fields_of(border: Border) -> dict[str, Any]:
    """A border as a `Deployment` has it."""
    key = border.key
    return {
        "measure": key.measure,
        "percent": key.percent,
        "currency": key.currency,
        "zone": key.zone,
        "value": border.value,
        "customers": border.customers,
        "taken_at": border.taken_at,
    }


def borders_of(told: Iterable[Mapping[str, Any]]) -> tuple[Border, ...]:
    """Borders as a `Deployment` has them."""
    return tuple(
        Border(
            BorderKey(each["measure"], each["percent"], each["currency"], each["zone"]),
            each["value"],
            each["customers"],
            each["taken_at"],
        )
        for each in told
    )
