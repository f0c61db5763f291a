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
    """By segment: the `sequence` and the instant of the enter."""


class RuleView(TypedDict):
    """One rule, asked about a customer."""

    segment: str
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
    """In the order of the rule set."""
