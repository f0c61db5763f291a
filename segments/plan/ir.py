"""The plan: what a rule set is at run time, as data.

Everything that runs rules reads it: the engine, sizing, costs per rule. It is written by `segments.plan.lowering` from
the rules, and has no reference to their objects: streams, leaves and rules refer to each other by number, a number
being an index into the plan's own tuple. A plan is written as JSON with its fields in the order of this file, so that
equal plans are equal bytes.

    Plan
    ├── topics     the inputs
    ├── session    what a visit is
    ├── streams    which events are kept of a customer, with which columns, for how long
    ├── measures   the measures, by the texts under which their memory goes on in another rule set
    ├── leaves     the conditions that are not made of others: measures, profile, consents, other segments
    ├── rules      how leaves combine into segments
    └── borders    the numbers learned from all customers that leaves are compared with

Instants and durations are whole milliseconds. Money is in cents. Numbers that a rule compares with are exact: a text
with a whole number (`"50000"`), or with a fraction in lowest terms (`"7/2"`).
"""

from hashlib import blake2b
from typing import Literal

import msgspec

from segments.plan.aims import Aim, Arms, Goal
from segments.plan.borders import BorderKey
from segments.plan.calculations import Calculated, Constant, Part, Product, Quotient, Sum, Term
from segments.plan.calendar import During, OfDate, Today
from segments.plan.events import (
    AllTests,
    AnyTest,
    Column,
    Comparison,
    Field,
    FieldKind,
    Filter,
    Flips,
    NotTest,
    Operator,
    Session,
    Stream,
    Take,
    Test,
    Topic,
    View,
    Zone,
)
from segments.plan.measured import After, Detail, Kind, Measured, Model

__all__ = [
    "FORMAT",
    "After",
    "Aim",
    "All",
    "AllTests",
    "AnyTest",
    "Arms",
    "Asked",
    "AtLeastOne",
    "BooleanBound",
    "BorderKey",
    "Bound",
    "Calculated",
    "Column",
    "Comparison",
    "Condition",
    "Constant",
    "Detail",
    "During",
    "Field",
    "FieldKind",
    "Filter",
    "Flips",
    "Goal",
    "Inside",
    "IsLeaf",
    "Kind",
    "Leaf",
    "Measured",
    "Model",
    "Not",
    "NotTest",
    "NumberBound",
    "OfConsent",
    "OfDate",
    "OfList",
    "OfProfile",
    "OfSplit",
    "Operator",
    "Part",
    "Plan",
    "PlanFormatError",
    "Product",
    "Quotient",
    "Rule",
    "Session",
    "Stage",
    "Stream",
    "Sum",
    "Take",
    "Term",
    "Test",
    "TextBound",
    "Today",
    "Topic",
    "View",
    "Zone",
    "from_bytes",
]

FORMAT = 1
"""The number of this format. A reader refuses a plan with another number."""


class OfProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="profile"):
    """An attribute of the profile against bounds: false if it is missing, or of the type of none of them."""

    attribute: str
    operator: Operator
    bounds: tuple["Bound", ...]


class TextBound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="text"):
    """A text that an attribute is compared with."""

    value: str


class BooleanBound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="boolean"):
    """A boolean that an attribute is compared with; false is less than true."""

    value: bool


class NumberBound(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="number"):
    """A number that an attribute, a double, is compared with."""

    value: float
    """The nearest double."""
    rest: Literal[-1, 0, 1]
    """Whether the number itself is less than that double, equal to it, or greater."""


Bound = TextBound | BooleanBound | NumberBound


class OfList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="list"):
    """A list of the profile that has a value; false if there is no such list."""

    list: str
    value: str


class OfConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="consent"):
    """The customer has given a consent."""

    consent: str


class OfSplit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="split"):
    """A share of all customers: those whose bucket of a name, of 10,000, lies from `start` to below `end`."""

    name: str
    start: int
    end: int


class Inside(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="inside"):
    """The customer is in the segment of another rule, after the same evaluation."""

    rule: int
    value: str | None = None
    """At this value; None: at any, if the segment has values."""


Asked = Measured | Calculated | OfProfile | OfList | OfDate | Today | OfConsent | OfSplit | Inside


def measured_in(asked: Asked) -> tuple[Measured, ...]:
    """The measures that a leaf asks for, in source order."""
    match asked:
        case Measured():
            return (asked,)
        case Calculated(parts=parts):
            return parts
    return ()


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A condition that is not made of others, and its texts in the evidence."""

    measure: str
    bound: str
    asked: Asked


class IsLeaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="leaf"):
    """The leaf of this number holds."""

    leaf: int


class Not(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="not"):
    """The opposite of a condition."""

    condition: "Condition"


class All(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="all"):
    """Each of these conditions holds."""

    conditions: tuple["Condition", ...]


class AtLeastOne(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="any"):
    """At least one of these conditions holds."""

    conditions: tuple["Condition", ...]


Condition = IsLeaf | Not | All | AtLeastOne


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stage of a segment."""

    name: str
    when: "Condition"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A segment. Rules stand after those that they read."""

    id: str
    version: str
    when: Condition
    """Outside, a customer enters when this holds and `until` does not; without `until`, leaves when it does not."""
    until: Condition | None
    """Inside, a customer leaves when this holds."""
    for_at_least: int
    """Milliseconds for which the condition must hold without a break before a customer enters."""
    at_most_every: int
    """Milliseconds after an enter before which a customer does not enter again."""
    leaves: tuple[int, ...]
    """The leaves of `when`, then of `until`, in source order: the evidence."""
    reads: tuple[int, ...]
    """The rules whose segments it reads, directly or through others, ascending."""
    readers: tuple[int, ...]
    """The rules that read this one's segment directly, ascending."""
    rank: int
    """Its place among the rules by id: the order in which one evaluation's flips are told."""
    consents: tuple[str, ...]
    """The consents that it reads, ascending."""
    profile: bool
    """Whether it reads the profile or a consent."""
    aim: Aim | None = None
    """What it is measured by; left out of a rule that has neither a goal nor a control group."""
    for_each: FieldKind | None = None
    """The rule is asked for each value of the field of `by`, of this kind, of its own."""
    stages: tuple[Stage, ...] = ()
    """The value of the segment is the name of the first of these that holds; `when` is any of them."""
    details: tuple[Detail, ...] = ()
    """What an enter carries, by ascending name."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule set."""

    format: int
    digest: str
    """Of the meaning of the rules: two rule sets of one digest behave alike."""
    currency: str
    """The currency in which money counts: ISO 4217."""
    zone: Zone
    """The zone of the calendar."""
    retention: int
    """R of SEMANTICS.md, section 5: milliseconds after its `occurred_at` from which an event is ignored."""
    topics: tuple[Topic, ...]
    session: Session
    streams: tuple[Stream, ...]
    measures: tuple[str, ...]
    """Ascending."""
    leaves: tuple[Leaf, ...]
    rules: tuple[Rule, ...]
    borders: tuple[BorderKey, ...] = ()
    """The borders that leaves are compared with. Their values are no part of a plan: a deployment has them."""

    def to_bytes(self) -> bytes:
        """As JSON: equal plans are equal bytes."""
        return msgspec.json.encode(self)

    @property
    def hash(self) -> str:
        """Thirty-two hex digits, a function of the bytes."""
        return blake2b(self.to_bytes(), digest_size=16).hexdigest()


class PlanFormatError(ValueError):
    """Bytes that are no plan of this format; the message says what was expected."""


class _Numbered(msgspec.Struct):
    format: int


def from_bytes(data: bytes) -> Plan:
    """The plan that was written as these bytes; raises PlanFormatError."""
    try:
        number = msgspec.json.decode(data, type=_Numbered).format
        if number != FORMAT:
            raise PlanFormatError(f"The plan has format {number}, this version reads {FORMAT}.")
        return msgspec.json.decode(data, type=Plan)
    except msgspec.DecodeError as error:
        raise PlanFormatError(f"The bytes are no plan: {error}.") from error
