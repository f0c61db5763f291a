"""The part of a plan that calculates with measures: sums, differences, multiples, quotients.

Exact: readers calculate with fractions. What is measured counts in its unit, money not in cents.
"""

import msgspec

from segments.plan.events import Operator
from segments.plan.measured import Kind, Measured


class Constant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="constant"):
    """A number; of a duration, milliseconds."""

    number: str


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="part"):
    """The value of the measure of this number among those of the comparison."""

    part: int


class Sum(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="sum"):
    """A sum, or a difference."""

    left: "Term"
    minus: bool
    right: "Term"


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="product"):
    """A multiple."""

    factor: str
    of: "Term"


class Quotient(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="quotient"):
    """It has no value if the divisor is zero."""

    left: "Term"
    right: "Term"


Term = Constant | Part | Sum | Product | Quotient


class Calculated(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="calculated"):
    """A calculated value against another one; false if a part of either has no value.

    With `by` all measures that have it are taken at one value of it, and the comparison holds if it holds at one.
    """

    parts: tuple[Measured, ...]
    """The measures in source order. Their own comparisons say nothing."""
    left: Term
    operator: Operator
    right: Term
    left_kind: Kind
    """How the value of the left side is told."""
    right_kind: Kind | None
    """The same of the right side; None if it is a constant, whose text is the bound of the leaf."""
