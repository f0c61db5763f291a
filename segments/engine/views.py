"""What can be seen of a customer from outside: plain values, as of one instant."""

from typing import Any, TypedDict


class CustomerView(TypedDict):
    """What is remembered of a customer, without the events; instants in milliseconds."""

    instant: int
    """The latest `occurred_at` applied or instant of a flip; BEFORE_ALL: of neither was any."""
    latest: int | None
    """The latest `occurred_at` of a click or transaction."""
    profile_at: int | None
    erased_at: int | None
    sequence: int
    entries: int
    """At least as many as the rules and the recognition of duplicates still need."""
    episodes: dict[str, tuple[int, int]]
    """By segment: the `sequence` and the instant of the enter, of a segment with values the latest."""


class MergedView(TypedDict):
    """An id that was merged into a customer."""

    customer_id: str
    link: str
    """The `event_id` of the link."""
    at: int
    """The latest instant, in milliseconds, of the link and of what came by it."""
    refused: bool
    """Whether its state is a dead letter."""


class IdentityView(TypedDict):
    """What is remembered of links of a customer; instants in milliseconds."""

    into: str | None
    """Where the records of the customer go; None: the customer is themselves."""
    link: str | None
    """The `event_id` of the link that says so."""
    linked_at: int | None
    merged: list[MergedView]


class RuleView(TypedDict):
    """One rule, asked about a customer."""

    segment: str
    place: int
    """Its place in the rule set."""
    value: str | None
    """The value that is asked about; of a stage the one that the customer is in."""
    inside: bool
    entered_at: int | None
    episode: int | None
    evidence: list[dict[str, Any]]
    """As in a segment event: one entry for each leaf."""
    flips_at: int | None
    """The instant before which time alone does not flip it; None: never."""


class WhyView(TypedDict):
    """All rules, asked about a customer at one instant."""

    known: bool
    """False: nothing is remembered, and the customer is in no segment."""
    now: int
    """The instant; BEFORE_ALL: no time has passed yet."""
    sequence: int
    rules: list[RuleView]
    """In the order of the rule set; a rule with `for_each` stands there for each of the values it is asked at."""
