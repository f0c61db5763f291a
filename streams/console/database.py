"""The console's file: how often segments were entered and left by hour, and of each customer the membership record.

It holds no events and can be made again from the topics at any time. So a file that is missing, damaged or of another
format is made anew, and its journal is cut after each transaction: of who was erased nothing stays in it.
"""

import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

FORMAT = 6
"""Raised with each change of the tables."""
HOUR = 3_600_000
"""Milliseconds."""
CACHE_KIBIBYTES = 16_384
"""Of pages in memory: the upper levels of the index of a million customers."""

TABLES = """
CREATE TABLE position (topic TEXT, part INT, next INT, PRIMARY KEY (topic, part)) WITHOUT ROWID;
CREATE TABLE noted (name TEXT PRIMARY KEY, value INT) WITHOUT ROWID;
CREATE TABLE hourly (
    segment TEXT, hour INT, transition TEXT, reason TEXT, value TEXT, count INT,
    PRIMARY KEY (segment, hour, transition, reason, value)) WITHOUT ROWID;
CREATE INDEX hourly_by_hour ON hourly (hour);
CREATE TABLE version (
    segment TEXT, version TEXT, first INT, latest INT, PRIMARY KEY (segment, version)) WITHOUT ROWID;
CREATE TABLE known (customer TEXT PRIMARY KEY, part INT) WITHOUT ROWID;
CREATE TABLE member (
    customer TEXT, segment TEXT, value TEXT, entered_at INT, valid_until INT, arm TEXT, version TEXT, episode INT,
    PRIMARY KEY (customer, segment, value)) WITHOUT ROWID;
CREATE INDEX member_by_segment ON member (segment, customer);
CREATE INDEX member_by_enter ON member (segment, entered_at, value);
CREATE TABLE entered (
    segment TEXT, value TEXT, hour INT, members INT, PRIMARY KEY (segment, value, hour)) WITHOUT ROWID;
CREATE TABLE size (segment TEXT PRIMARY KEY, members INT) WITHOUT ROWID;
CREATE TABLE pair (first TEXT, second TEXT, customers INT, PRIMARY KEY (first, second)) WITHOUT ROWID;
CREATE TABLE outcome (
    segment TEXT, arm TEXT, mature INT, converted INT, goals INT, revenue TEXT,
    PRIMARY KEY (segment, arm)) WITHOUT ROWID;
CREATE TABLE letter (reason TEXT, hour INT, count INT, PRIMARY KEY (reason, hour)) WITHOUT ROWID;
"""

OF_MEMBERSHIPS = ("known", "member", "entered", "size", "pair")
"""The tables that are made of membership records."""

Flips = tuple[str, int, str, str, str]
"""Segment, first millisecond of the hour, transition, reason, value (see `stored`)."""
Version = tuple[str, str]
"""Segment, version."""
Arm = tuple[str, str]
"""Segment, and the arm as `stored` tells it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of stays: how many matured, how many of them reached the goal, how often, and for how much."""

    mature: int = 0
    converted: int = 0
    goals: int = 0
    revenue: int | None = None
    """In hundredths of the currency; None: the goal has no revenue."""

    def plus(self, other: "Outcome") -> "Outcome":
        """Both together."""
        known = [each.revenue for each in (self, other) if each.revenue is not None]
        return Outcome(
            self.mature + other.mature,
            self.converted + other.converted,
            self.goals + other.goals,
            sum(known) if known else None,
        )


Entered = tuple[str, str, int]
"""Segment, value (see `stored`), first millisecond of the hour in which members entered."""
Entry = tuple[str, str, int, int | None, str | None, str, int]
"""Segment, value (see `stored`), entered_at, valid_until, arm, version, episode."""


class Database:
    """One open file. Not for several threads at once."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = file
        try:
            self._db = self._opened()
        except (sqlite3.DatabaseError, _OtherFormat) as error:
            log.warning("%s: made anew (%s)", file.name, error)
            self._remove()
            self._db = self._opened()

    def begin_anew(self) -> None:
        """Recreate the file."""
        self._db.close()
        self._remove()
        self._db = self._opened()

    def _remove(self) -> None:
        for name in (self._file, self._file.with_name(f"{self._file.name}-journal")):
            name.unlink(missing_ok=True)

    def _opened(self) -> sqlite3.Connection:
        os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
        self._file.chmod(0o600)
        db = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
        try:
            # Not WAL: its file would hold rows of erased customers until it is used again.
            db.execute("PRAGMA journal_mode = TRUNCATE")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
            (found,) = db.execute("PRAGMA user_version").fetchone()
            tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if tables == 0:
                db.executescript(TABLES)
                db.execute(f"PRAGMA user_version = {FORMAT}")
            elif found != FORMAT:
                raise _OtherFormat(f"it has format {found}, this version has {FORMAT}")
            if (problem := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(problem)
        except BaseException:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What happens in the block is kept as a whole, or not at all."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            with suppress(sqlite3.DatabaseError):
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rows(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a SELECT finds."""
        return self._db.execute(question, values).fetchall()

    def positions(self) -> dict[tuple[str, int], int]:
        """For each topic and partition the offset to read next."""
        return {(topic, part): offset for topic, part, offset in self.rows("SELECT * FROM position")}

    def note_positions(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Keep how far topics are read."""
        self._db.executemany(
            "INSERT OR REPLACE INTO position VALUES (?, ?, ?)",
            [(*where, offset) for where, offset in positions.items()],
        )

    def note(self, name: str, value: int) -> None:
        """Keep a number about the file itself."""
        self._db.execute("INSERT OR REPLACE INTO noted VALUES (?, ?)", (name, value))

    def noted(self, name: str) -> int | None:
        """A number about the file itself; None: it was not kept."""
        found = self.rows("SELECT value FROM noted WHERE name = ?", name)
        return int(found[0][0]) if found else None

    def clear(self) -> None:
        """Forget everything."""
        with self.together():
            for table in (*OF_MEMBERSHIPS, "position", "noted", "hourly", "version", "outcome", "letter"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours

    def forget_memberships(self) -> None:
        """Forget every customer, and read the memberships again from their beginning."""
        with self.together():
            for table in OF_MEMBERSHIPS:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
            self.note("customers", 0)
            self.note("in_none", 0)
            self._db.execute("DELETE FROM position WHERE topic = 'segment-memberships'")

    def count_flips(self, counts: Mapping[Flips, int], versions: Mapping[Version, tuple[int, int]]) -> None:
        """Count segment events, and keep for each version of a segment the first and the latest instant."""
        self._db.executemany(
            "INSERT INTO hourly VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(*flips, count) for flips, count in counts.items()],
        )
        self._db.executemany(
            "INSERT INTO version VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "first = min(first, excluded.first), latest = max(latest, excluded.latest)",
            [(*version, *told) for version, told in versions.items()],
        )

    def count_letters(self, letters: Iterable[tuple[str, int]]) -> None:
        """Count dead letters, each told as its reason and Kafka timestamp."""
        self._db.executemany(
            "INSERT INTO letter VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1",
            [(reason, at // HOUR * HOUR) for reason, at in letters],
        )

    def count_outcomes(self, sums: Mapping[Arm, Outcome]) -> None:
        """Count stays in segments with a goal whose time to reach it is over."""
        for (segment, arm), more in sums.items():
            before = self.outcomes(segment).get(arm, Outcome())
            total = before.plus(more)
            revenue = None if total.revenue is None else str(total.revenue)
            self._db.execute(
                "INSERT OR REPLACE INTO outcome VALUES (?, ?, ?, ?, ?, ?)",
                (segment, arm, total.mature, total.converted, total.goals, revenue),
            )

    def outcomes(self, segment: str) -> dict[str, Outcome]:
        """By arm, as `stored` tells it, what came of the stays in a segment."""
        found = self.rows(
            "SELECT arm, mature, converted, goals, revenue FROM outcome WHERE segment = ? ORDER BY arm",
            segment,
        )
        return {
            arm: Outcome(mature, converted, goals, _cents(revenue))
            for arm, mature, converted, goals, revenue in found
        }

    def memberships(self, customer: str) -> list[Entry] | None:
        """The entries of a customer's membership record; None: there is none."""
        if not self.rows("SELECT 1 FROM known WHERE customer = ?", customer):
            return None
        return self.rows(
            "SELECT segment, value, entered_at, valid_until, arm, version, episode FROM member WHERE customer = ?",
            customer,
        )

    def replace(
        self, customer: str, part: int, before: Sequence[Entry] | None, entries: Sequence[Entry] | None
    ) -> None:
        """Replace a customer's membership record; segments that are in both records are not written again.

        None: there was none, or of the customer nothing is kept.
        """
        old, new = set(before or ()), set(entries or ())
        stay = {entry[:2] for entry in new}
        self._db.executemany(
            "DELETE FROM member WHERE customer = ? AND segment = ? AND value = ?",
            [(customer, *entry[:2]) for entry in old if entry[:2] not in stay],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [(customer, *entry) for entry in sorted(new - old, key=itemgetter(0, 1))],
        )
        if entries is None:
            self._db.execute("DELETE FROM known WHERE customer = ?", (customer,))
        elif before is None:
            self._db.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", (customer, part))

    def count_entered(self, changes: Mapping[Entered, int]) -> None:
        """Count how many members there are, more or fewer, by the hour in which they entered."""
        self._db.executemany(
            "INSERT INTO entered VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET members = members + excluded.members",
            [(*each, change) for each, change in changes.items() if change],
        )
        self._db.executemany(
            "DELETE FROM entered WHERE segment = ? AND value = ? AND hour = ? AND members = 0",
            [each for each, change in changes.items() if change < 0],
        )

    def keep_sizes(self, members: Mapping[str, int], pairs: Mapping[tuple[str, str], int]) -> None:
        """Keep how many customers are in these segments, and in both of these pairs of segments."""
        self._db.executemany("INSERT OR REPLACE INTO size VALUES (?, ?)", members.items())
        self._db.executemany(
            "INSERT OR REPLACE INTO pair VALUES (?, ?, ?)", [(*pair, count) for pair, count in pairs.items()]
        )


def _cents(text: str | None) -> int | None:
    """A sum of the table: as text, since it may have more digits than SQLite's integers."""
    return None if text is None else int(text)


class _OtherFormat(Exception):
    """The file was written by another version."""


def stored(value: str | None) -> str:
    """A value as it stands in the table: a null equals no other there."""
    return "" if value is None else f"={value}"


def told(value: str) -> str | None:
    """A value of the table as it was."""
    return value[1:] if value else None
