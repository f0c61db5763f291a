"""The part of a plan that says what is measured of the events that are kept."""

from typing import Literal

import msgspec

from segments.plan.calendar import During
from segments.plan.events import Comparison, Field, View

Kind = Literal["number", "money", "duration", "mean", "decimal", "text", "boolean"]
"""How a value is written in the evidence.

`number`: digits. `money`: cents, as units with two decimals. `duration`: milliseconds. `mean`: rounded half-even to six
decimals, of money in its unit. `decimal`: millionths, as a decimal without zeros at its end. `text`: as it is.
`boolean`: `true` or `false`.
"""


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="measured"):
    """A measure against a bound."""

    measure: str
    """Its name, one of `segments.language.measures`; the engine refuses a plan with another one."""
    known: int
    """The number of the measure in the plan: since when it knows events is kept under it."""
    stream: int
    view: View | None
    """Of visits, unless their bare starts are read."""
    column: int | None
    """The column of the stream that is measured."""
    kind: Kind
    """Of the value."""
    scale: int
    """How many of what is measured make a unit: 100 cents, 1,000,000 millionths, else 1."""
    monotone: bool
    """Whether no value is negative, so that a sum only grows with each event."""
    by: Field | None
    """The condition holds if it holds for one value of this field: the key of the stream, or of its view."""
    reset: int | None
    """Only what is later than the latest event of this stream counts."""
    reset_view: View | None
    same: bool
    """The latest event of the reset stream with the same key: it has a key, too."""
    after: tuple["After", ...]
    """Only what came after events of these, the first directly, those after events of the second."""
    window: int
    """An event at t counts while t <= now < t + window; of a period how long it may be. Milliseconds."""
    offset: int
    """Milliseconds: the measure is taken as it was this long ago."""
    comparison: Comparison
    during: During | None = None
    """Only events of this period; left out of measures of a window."""
    model: "Model | None" = None
    """Of `alive`, `expected` and `clv`; left out of the others."""
    border: int | None = None
    """The number of the border that it is compared with; the comparison has no number then."""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model of purchases, and what is asked of it. Its numbers are written as bounds are."""

    parameters: tuple[str, str, str, str]
    """r, alpha in days, a, b of MBG/NBD."""
    spend: tuple[str, str, str] | None
    """p, q, v in units of the currency, of Gamma-Gamma."""
    days: int
    """How many days ahead."""
    day: int
    """The column of the stream with the date in the zone."""
    amount: int | None
    """The column of the stream with the amount."""


class Detail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measure that an enter carries as text."""

    name: str
    asked: Measured
    """Its comparison says nothing."""


class After(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event counts if it is later than one of these by less than the span."""

    stream: int
    view: View | None
    span: int
    """Milliseconds."""
    same: bool
    """Only events with the same key: the stream has one, too."""
