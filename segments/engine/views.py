"""Views of a customer for callers outside of the engine: plain values, as of one instant."""

from typing import Any, TypedDict


class CustomerView(TypedDict):
    """The state of a customer without the events; instants in milliseconds."""

    instant: int
    """The latest `occurred_at` applied or instant of a flip; BEFORE_ALL: of neither was any."""
    latest: int | None
    """The latest `occurred_at` of a click or transaction."""
    profile_at: int | None
    erased_at: int | None
    sequence: int
    entries: int
    """An upper bound of the entries that rules and the recognition of duplicates still need."""
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
    """The links of a customer; instants in milliseconds."""

    into: str | None
    """The id that the customer was merged into; None if the customer was not merged."""
    link: str | None
    """The `event_id` of the link that says so."""
    linked_at: int | None
    merged: list[MergedView]


class RuleView(TypedDict):
    """One rule, evaluated for a customer."""

    segment: str
    place: int
    """Its place in the rule set."""
    value: str | None
    """The value at which the rule is evaluated; of a rule in stages the customer's stage."""
    inside: bool
    entered_at: int | None
    episode: int | None
    evidence: list[dict[str, Any]]
    """As in a segment event: one entry for each leaf."""
    flips_at: int | None
    """The instant before which time alone does not flip it; None: never."""


class WhyView(TypedDict):
    """All rules, evaluated for a customer at one instant."""

    known: bool
    """False: nothing is remembered, and the customer is in no segment."""
    now: int
    """The instant; BEFORE_ALL: no time has passed yet."""
    sequence: int
    rules: list[RuleView]
    """In the order of the rule set; a rule with `for_each` appears once for each value it is evaluated at."""
