"""What the database tells of one segment, one customer, and dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.console.database import HOUR, Database, Outcome, stored, told

MOST = 100
"""Customers in a list."""
DAY = 24 * HOUR
STAYS = (HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY)
"""Milliseconds: the bounds between the groups of members by how long they are in."""
LIKE = "customer >= ? AND customer < ? AND substr(customer, 1, ?) = ?"
"""The condition of customers whose id begins with a text: the bounds let an index find them."""
LAST = "\U0010ffff" * 33
"""After any end of an id, which has 128 bytes at most: 33 characters of four bytes."""


def like(search: str) -> tuple[str, str, int, str]:
    """The parameters for the question marks of LIKE."""
    return search, search + LAST, len(search), search


@dataclass(frozen=True, slots=True)
class Hour:
    """What happened to a segment in an hour, and how many memberships there were at its end."""

    at: int
    entered: int
    left: int
    members: int


@dataclass(frozen=True, slots=True)
class OfValue:
    """A segment with values, at one of them: memberships now, and what happened within the week."""

    value: str | None
    members: int
    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class SegmentContents:
    """A segment, or one value of it, by the database."""

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
    """Transition, reason, count, within the week."""
    outcomes: Mapping[str | None, Outcome]
    """By arm; None: there are no arms."""
    values: Sequence[OfValue]
    """The largest first; empty: the segment has no values."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a segment; instants in milliseconds."""

    segment: str
    now: int
    since: int
    """The hours that are told begin here."""
    week: int
    """What is told of the week begins here."""
    search: str = ""
    """Members whose id begins with it."""
    value: str | None = None
    """Of this value alone; None: of all."""

    def where(self, *more: str) -> str:
        """The condition of rows of the segment, or of one value of it."""
        of_value = () if self.value is None else ("value = ?",)
        return " AND ".join(("segment = ?", *of_value, *more))

    @property
    def names(self) -> tuple[str, ...]:
        """What stands for the question marks of `where`."""
        return (self.segment,) if self.value is None else (self.segment, stored(self.value))


def segment_contents(database: Database, asked: Question) -> SegmentContents:
    """What the database holds of a segment."""
    stays = _stays(database, asked)
    members = database.rows(
        "SELECT customer, value, entered_at, valid_until FROM member INDEXED BY member_by_segment WHERE "  # noqa: S608 - columns of ours
        + asked.where(LIKE)
        + " ORDER BY customer, value LIMIT ?",
        *(*asked.names, *like(asked.search), MOST),
    )
    versions = database.rows(
        "SELECT version, first, latest FROM version WHERE segment = ? ORDER BY latest DESC", asked.segment
    )
    reasons = database.rows(
        "SELECT transition, reason, sum(count) FROM hourly WHERE "  # noqa: S608 - columns of ours
        + asked.where("hour >= ?")
        + " GROUP BY 1, 2 ORDER BY 1, 3 DESC",
        *(*asked.names, asked.week),
    )
    return SegmentContents(
        sum(stays),
        [(customer, told(value), entered, until) for customer, value, entered, until in members],
        _hours(database, asked, sum(stays)),
        stays,
        [(version, first, latest) for version, first, latest in versions],
        [(transition, reason, count) for transition, reason, count in reasons],
        {told(arm): outcome for arm, outcome in database.outcomes(asked.segment).items()},
        _values(database, asked),
    )


def _hours(database: Database, asked: Question, memberships: int) -> list[Hour]:
    """Hours in which somebody entered or left; what was before follows from what there is now."""
    rows = database.rows(
        "SELECT hour, sum(count * (transition = 'enter')), sum(count * (transition = 'exit')) "  # noqa: S608
        f"FROM hourly WHERE {asked.where('hour >= ?')} GROUP BY hour ORDER BY hour DESC",
        *(*asked.names, asked.since),
    )
    found = []
    for hour, entered, left in rows:
        found.append(Hour(hour, entered, left, memberships))
        memberships += left - entered
    return found[::-1]


def _stays(database: Database, asked: Question) -> list[int]:
    """Counted by the hours of the enters, and one by one in the hours of the bounds: there may be a million members."""
    row = database.rows(
        f"SELECT {', '.join(f'sum(members * (hour > {asked.now - each}))' for each in STAYS)}, sum(members) "  # noqa: S608
        f"FROM entered WHERE {asked.where()}",
        *asked.names,
    )[0]
    sums = [each or 0 for each in row]
    for place, each in enumerate(STAYS):
        bound = asked.now - each
        sums[place] += database.rows(
            "SELECT count(*) FROM member INDEXED BY member_by_enter WHERE "  # noqa: S608 - columns of ours
            + asked.where("entered_at > ?", "entered_at < ?"),
            *(*asked.names, bound, bound // HOUR * HOUR + HOUR),
        )[0][0]
    return [after - before for before, after in zip([0, *sums], sums, strict=False)]


def _values(database: Database, asked: Question) -> list[OfValue]:
    """The values of a segment with the most members, and those that somebody entered or left within the week."""
    members = dict(
        database.rows(
            "SELECT value, sum(members) FROM entered WHERE segment = ? GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            *(asked.segment, MOST),
        )
    )
    flips = {
        value: (entered, left)
        for value, entered, left in database.rows(
            "SELECT value, sum(count * (transition = 'enter')), sum(count * (transition = 'exit')) FROM hourly "
            "WHERE segment = ? AND hour >= ? GROUP BY 1 ORDER BY sum(count) DESC LIMIT ?",
            *(asked.segment, asked.week, MOST),
        )
    }
    if not any((members | flips).values()) or members.keys() | flips.keys() == {stored(None)}:
        return []
    found = [
        OfValue(told(value), members.get(value, 0), *flips.get(value, (0, 0))) for value in members | flips
    ]
    found.sort(key=lambda each: (-each.members, -each.entered, each.value or ""))
    return found[:MOST]


def customers_like(database: Database, search: str) -> list[str]:
    """The first customers whose id begins with a text."""
    rows = database.rows(
        f"SELECT customer FROM known WHERE {LIKE} ORDER BY customer LIMIT ?",  # noqa: S608 - columns of ours
        *(*like(search), MOST),
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
