"""The part of a plan that says which events there are, and which of them are kept of a customer.

Fields, filters and streams of `segments.plan.ir`, which describes the whole.
"""

from typing import Literal

import msgspec

Operator = Literal["==", "!=", ">=", ">", "<=", "<", "in"]
"""`in`: equal to one of the bounds. The other operators have one bound."""

FieldKind = Literal["text", "number", "money", "decimal"]
"""What a field holds. Money counts if the event's currency is the plan's, else the field is missing.

`decimal`: the text of an attribute as a number, in millionths; a text that is none is missing.
"""


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An input topic. Its number breaks ties in the order of application."""

    name: str
    record: str
    """What a record of it is: the name of its schema, in lower case."""


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A visit: clicks of these kinds, each less than the gap after the one before."""

    kinds: tuple[str, ...]
    gap: int
    """Milliseconds."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of an event."""

    name: str
    """The name in the record; or `day`, `hour`, `weekday`, `month`: those of `occurred_at` in the zone of the plan, as
    `2026-11-22`, 0 to 23, `monday` and 1 to 12; or `total`: of a line, price × quantity."""
    key: str | None
    """The key in the map `attributes`; None of other fields."""
    line: bool
    """Whether it is a field of one line of `items` rather than of the event."""
    kind: FieldKind


class Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An operator with its bounds. Without bounds it is never true: what is compared is of an unlike type."""

    operator: Operator
    texts: tuple[str, ...]
    """The bounds if texts are compared: in the order of their UTF-8 bytes."""
    numbers: tuple[str, ...]
    """The bounds if numbers, money (cents) or durations (milliseconds) are compared."""


class Test(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="test"):
    """The comparison of a field; false if the field is missing."""

    __test__ = False

    field: Field
    comparison: Comparison


class NotTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="not"):
    """The opposite of a filter, true too if a field is missing."""

    test: "Filter"


class AnyTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="any"):
    """At least one of these filters passes."""

    tests: tuple["Filter", ...]


class AllTests(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="all"):
    """Each of these filters passes."""

    tests: tuple["Filter", ...]


Filter = Test | NotTest | AnyTest | AllTests
"""What `where` says of an event."""


class Take(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events of a topic that go into a stream."""

    topic: int
    kinds: tuple[str, ...] | None
    """None: of every kind."""


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time zone of the calendar."""

    name: str
    """Its IANA name."""
    offset: int
    """Milliseconds ahead of UTC before the first of `changes`."""
    changes: tuple[tuple[int, int], ...]
    """Instants, ascending, each with the milliseconds ahead of UTC from then on; of the years 1900 to 2100."""


class Flips(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Flips of a segment that go into a stream."""

    rule: int
    enters: bool


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field that is kept beside the instants of a stream."""

    name: str
    """Under this name it goes on in another rule set; money of another currency has another name."""
    field: Field


class Stream(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events that are kept of a customer."""

    identity: str
    """What is remembered goes on in the stream of the same identity of another rule set."""
    takes: tuple[Take, ...]
    flips: tuple[Flips, ...]
    """Flips for other reasons than a change of rules or a merge; with `takes` empty."""
    lines: bool
    """Each line of the event's `items` is an event of its own."""
    visits: bool
    """Sessions are kept, not events. Filters and keys apply when they are read, since late events merge sessions."""
    filter: Filter | None
    key: Field | None
    """Events are kept apart by this field; those without it are not kept."""
    present: Field | None
    """Only events that have this field."""
    columns: tuple[Column, ...]
    keep: int
    """Milliseconds that an event stays needed; of a visit, the session's gap longer."""
    latest: bool
    """Only the latest event (of each key) is kept."""
    readers: tuple[int, ...]
    """The rules with a leaf that reads this stream, ascending: an event of the stream may flip these."""


class View(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a stream of visits is read: the starts that pass, each under its key.

    Its fields are columns of the stream.
    """

    filter: Filter | None
    key: Field | None
    """Starts are told apart by it; those without it are left out."""
    present: Field | None
    """Starts without it are left out."""
