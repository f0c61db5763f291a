"""What can be seen of a customer from outside: plain values, as of one instant."""

from typing import Any, TypedDict

from segments.engine.admission import FIRST
from segments.engine.customer import Customer
from segments.engine.evidence import evidence
from segments.engine.flips import valid_until
from segments.engine.rules import RuleSet


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


def customer_view(rules: RuleSet, customer: Customer | None) -> CustomerView | None:
    """What is remembered of a customer, None if nothing is."""
    if customer is None:
        return None
    return {
        "instant": customer.instant,
        "latest": customer.latest,
        "profile_at": customer.profile_at,
        "erased_at": customer.erased_at,
        "sequence": customer.sequence,
        "entries": customer.entries,
        "episodes": {rules.ids[place]: episode for place, episode in customer.episodes.items()},
    }


def why_view(rules: RuleSet, key: bytes, found: Customer | None, at: int) -> WhyView:
    """All rules at an instant, or at the customer's own if that is later."""
    customer = Customer(key, len(rules.plan.streams), None) if found is None else found
    now = max(customer.instant, at)
    return {
        "known": not customer.blank,
        "now": now,
        "sequence": customer.sequence,
        "rules": [_rule_view(rules, customer, place, now) for place in range(len(rules.ids))],
    }


def _rule_view(rules: RuleSet, customer: Customer, place: int, now: int) -> RuleView:
    episode, entered_at = customer.episodes.get(place, (None, None))
    return {
        "segment": rules.ids[place],
        "inside": place in customer.episodes,
        "entered_at": entered_at,
        "episode": episode,
        # Before all time, the end of an empty stream would count as an event.
        "evidence": evidence(rules, place, customer, max(now, FIRST)),
        "flips_at": None if customer.blank else valid_until(rules, customer, place, now),
    }
