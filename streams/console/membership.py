"""What the database tells of one segment, one customer, and dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.console.database import HOUR, Database, Outcome, told

MOST = 100
"""Customers in a list."""
DAY = 24 * HOUR
STAYS = (HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY)
"""Milliseconds: the bounds between the groups of members by how long they are in."""


@dataclass(frozen=True, slots=True)
class Hour:
    """What happened to a segment in an hour, and how many memberships there were at its end."""

    at: int
    entered: int
    left: int
    members: int


@dataclass(frozen=True, slots=True)
class SegmentTold:
    """A segment, by the database."""

    memberships: int
    """As members, but a customer who is in it for several values counts for each of them."""
    members: Sequence[tuple[str, str | None, int, int | None]]
    """Customer, value, entered_at, valid_until of the first, by customer."""
    hours: Sequence[Hour]
    stays: Sequence[int]
    """Memberships by how long they have lasted: up to each of STAYS, and longer."""
    versions: Sequence[tuple[str, int, int]]
    """Version, first and latest instant of its flips; the latest version first."""
    reasons: Sequence[tuple[str, str, int]]
    """Transition, reason, count, within the period asked for."""
    outcomes: Mapping[str | None, Outcome]
    """By arm; None: there are no arms."""


def segment_told(database: Database, segment: str, search: str, since: int, now: int) -> SegmentTold:
    """A segment: members whose id begins with `search`, and its hours from `since` on."""
    memberships = database.rows("SELECT count(*) FROM member WHERE segment = ?", segment)[0][0]
    members = database.rows(
        "SELECT customer, value, entered_at, valid_until FROM member "
        "WHERE segment = ? AND customer >= ? AND substr(customer, 1, ?) = ? ORDER BY customer, value LIMIT ?",
        *(segment, search, len(search), search, MOST),
    )
    return SegmentTold(
        memberships,
        [(customer, told(value), entered, until) for customer, value, entered, until in members],
        _hours(database, segment, memberships, since),
        _stays(database, segment, now),
        [
            (version, first, latest)
            for version, first, latest in database.rows(
                "SELECT version, first, latest FROM version WHERE segment = ? ORDER BY latest DESC", segment
            )
        ],
        [
            (transition, reason, count)
            for transition, reason, count in database.rows(
                "SELECT transition, reason, sum(count) FROM hourly WHERE segment = ? AND hour >= ? "
                "GROUP BY 1, 2 ORDER BY 1, 3 DESC",
                *(segment, since),
            )
        ],
        {told(arm): outcome for arm, outcome in database.outcomes(segment).items()},
    )


def _hours(database: Database, segment: str, memberships: int, since: int) -> list[Hour]:
    """Hours in which somebody entered or left; what was before follows from what there is now."""
    rows = database.rows(
        "SELECT hour, sum(count * (transition = 'enter')), sum(count * (transition = 'exit')) "
        "FROM hourly WHERE segment = ? AND hour >= ? GROUP BY hour ORDER BY hour DESC",
        *(segment, since),
    )
    found = []
    for hour, entered, left in rows:
        found.append(Hour(hour, entered, left, memberships))
        memberships += left - entered
    return found[::-1]


def _stays(database: Database, segment: str, now: int) -> list[int]:
    bounds = [now - each for each in STAYS]
    counted = ", ".join(f"sum(entered_at > {bound})" for bound in bounds)
    row = database.rows(f"SELECT {counted}, count(*) FROM member WHERE segment = ?", segment)[0]  # noqa: S608 - numbers
    sums = [each or 0 for each in row]
    return [after - before for before, after in zip([0, *sums], sums, strict=False)]


def customers_like(database: Database, search: str) -> list[str]:
    """The first customers whose id begins with a text."""
    rows = database.rows(
        "SELECT customer FROM known WHERE customer >= ? AND substr(customer, 1, ?) = ? ORDER BY customer LIMIT ?",
        *(search, len(search), search, MOST),
    )
    return [customer for (customer,) in rows]


def letters_by_reason(database: Database, since: int) -> list[tuple[str, int, int]]:
    """Reason, dead letters from an instant on, and all that were read."""
    return [
        (reason, recent or 0, count)
        for reason, recent, count in database.rows(
            "SELECT reason, sum(count * (hour >= ?)), sum(count) FROM letter GROUP BY 1 ORDER BY 3 DESC",
            since,
        )
    ]


def customer_memberships(database: Database, customer: str) -> list[dict[str, Any]] | None:
    """A customer's memberships; None: there is no record of the customer."""
    found = database.memberships(customer)
    names = ("segment", "value", "entered_at", "valid_until", "arm", "version", "episode")
    if found is None:
        return None
    return [dict(zip(names, (entry[0], told(entry[1]), *entry[2:]), strict=True)) for entry in sorted(found)]
