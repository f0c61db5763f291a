"""What a destination was sent of whom: one SQLite file for each destination, which a `kill -9` does not harm.

An enter is noted before it is tried, so that its exit is sent whatever became of it. Of a customer who was erased
nothing stays in the file once their exits are settled: deleted rows are overwritten, and the log of changes is cut.
"""

import fcntl
import os
import sqlite3
import sys
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import IO
from urllib.parse import quote

from streams.delivery.flip import NOWHERE, Flip
from streams.delivery.lanes import Waiting
from streams.delivery.policy import Sent
from streams.errors import StreamsError

TABLES = """
DROP TABLE IF EXISTS waiting;  -- of before: it named customers
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (
    customer TEXT, segment TEXT, value TEXT, part INT, offset INT, last TEXT, state TEXT,
    PRIMARY KEY (customer, segment, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (
    id TEXT PRIMARY KEY, topic TEXT, part INT, offset INT, made INT, step INT, due INT, failed_at INT,
    failing_since INT) WITHOUT ROWID;
"""
FORMAT = "1"
IN, OUT, LOST = "in", "out", "lost"
"""An enter was tried and its exit is to come; the exit was taken; the exit was given up."""
STATES = {IN: "enter sent", OUT: "exit taken", LOST: "exit given up"}
Key = tuple[str, str, str | None]


class Ledger:
    """The file of one destination; its lock allows one sender on this machine."""

    def __init__(self, file: Path) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _locked(file)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StreamsError(f"{error.filename}: can't be written ({error.strerror})") from None
        self._db = sqlite3.connect(file, isolation_level=None)
        try:
            # FULL: what was noted before a request must not be forgotten by a machine that loses its power.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA secure_delete = ON")
            self._db.executescript(TABLES)
            self._check_format(file)
            self.id = self._meta("id") or self.note("id", uuid.uuid4().hex)
        except sqlite3.DatabaseError as error:
            self.close()
            raise StreamsError(f"{_unreadable(file, error)}, or move it away and say --take-over") from None

    def _check_format(self, file: Path) -> None:
        found = self._meta("format") or self.note("format", FORMAT)
        if found != FORMAT:
            self.close()
            raise StreamsError(
                f"{file}: has format {found}, this version reads {FORMAT}: use the version that wrote it"
            )

    def close(self) -> None:
        """Close the file, and let others have it."""
        self._db.close()
        self._lock.close()

    def note(self, name: str, value: str) -> str:
        """Keep a word about the destination itself."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
        return value

    def _meta(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @property
    def held_until(self) -> int:
        """Before this nothing is sent, since the destination said so; milliseconds since 1970."""
        return int(self._meta("held_until") or 0)

    @property
    def disabled(self) -> str | None:
        """Why nothing is sent any more; None: it is."""
        return self._meta("disabled") or None

    def sent(self, key: Key) -> Sent | None:
        """What is known of a customer, segment and value; None: no enter was ever tried."""
        row = self._db.execute(
            "SELECT offset, last FROM sent WHERE customer = ? AND segment = ? AND value = ?", _columns(key)
        ).fetchone()
        return None if row is None else Sent(*row)

    def segments(self) -> set[str]:
        """The segments of which anything was ever tried."""
        return {row[0] for row in self._db.execute("SELECT DISTINCT segment FROM sent")}

    def trying(self, flips: Iterable[Flip]) -> None:
        """Note, before they are sent, that enters are tried, and that what came before any of them is settled."""
        self._db.execute("BEGIN")
        for flip in flips:
            before = max(NOWHERE, flip.place.offset - 1)
            if flip.enters:
                self._db.execute(
                    "INSERT INTO sent VALUES (?, ?, ?, ?, ?, NULL, 'in') ON CONFLICT DO UPDATE "
                    "SET state = 'in', offset = max(offset, excluded.offset)",
                    (*_columns(flip.key), flip.place.partition, before),
                )
            else:
                self._db.execute(
                    "UPDATE sent SET offset = max(offset, ?) WHERE customer = ? AND segment = ? AND value = ?",
                    (before, *_columns(flip.key)),
                )
        self._db.execute("COMMIT")

    def settled(self, flips: Iterable[Flip], *, delivered: bool, known: Callable[[str], bool]) -> None:
        """Note that flips are done with: taken, or given up. Of whom nobody knows any more nothing is kept."""
        self._db.execute("BEGIN")
        gone = False
        for flip in flips:
            self._db.execute("DELETE FROM attempts WHERE id = ?", (flip.id,))
            if not flip.enters and not known(flip.customer):
                self._db.execute(
                    "DELETE FROM sent WHERE customer = ? AND segment = ? AND value = ?", _columns(flip.key)
                )
                gone = True
                continue
            state = IN if flip.enters else OUT if delivered else LOST
            self._db.execute(
                "UPDATE sent SET offset = max(offset, ?), last = ?, state = ? "
                "WHERE customer = ? AND segment = ? AND value = ?",
                (flip.place.offset, flip.known_as, state, *_columns(flip.key)),
            )
        self._db.execute("COMMIT")
        if gone:
            self._cut()

    def dropped(self, flip: Flip) -> None:
        """Forget the attempts of a flip that is not sent after all."""
        self._db.execute("DELETE FROM attempts WHERE id = ?", (flip.id,))

    def failed(self, waiting: Iterable[Waiting]) -> None:
        """Keep how often flips were tried, since when, and when they are due again: no word of their customers."""
        rows = [
            (
                *(each.flip.id, *each.flip.source, each.attempts, each.step, each.due, each.failed_at),
                each.failing_since,
            )
            for each in waiting
        ]
        self._all("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def waiting(self, flip: Flip) -> Waiting:
        """A flip with the attempts that were made before a restart, if there were any."""
        row = self._db.execute(
            "SELECT made, step, due, failed_at, failing_since FROM attempts WHERE id = ?", (flip.id,)
        ).fetchone()
        if row is None:
            return Waiting(flip)
        made, step, due, failed_at, failing_since = row
        return Waiting(flip, made, step, due, failed_at=failed_at, failing_since=failing_since)

    def drop_attempts(self, positions: Mapping[tuple[str, int], int]) -> None:
        """Forget the attempts of flips that nobody will read again: those before these positions, or elsewhere."""
        known = self._db.execute("SELECT id, topic, part, offset FROM attempts").fetchall()
        settled = [(row[0],) for row in known if row[3] < positions.get((row[1], row[2]), sys.maxsize)]
        self._all("DELETE FROM attempts WHERE id = ?", settled)

    def forget(self, customer: str) -> None:
        """Forget who was erased or forgotten, but for enters that were tried: their exits are yet to be sent."""
        gone = self._db.execute("DELETE FROM sent WHERE customer = ? AND state <> 'in'", (customer,))
        if gone.rowcount:
            self._cut()

    def sweep(self, known: Callable[[str], bool]) -> None:
        """Forget who was erased while nobody looked: all but enters, whose exits are yet to come."""
        customers = [
            row[0] for row in self._db.execute("SELECT DISTINCT customer FROM sent WHERE state <> 'in'")
        ]
        gone = [(each,) for each in customers if not known(each)]
        if gone:
            self._all("DELETE FROM sent WHERE customer = ? AND state <> 'in'", gone)
            self._cut()

    def begin_anew(self, ends: dict[int, int]) -> None:
        """Forget the offsets of partitions that end before them: their topic was deleted and made again."""
        rows = self._db.execute("SELECT part, max(offset) FROM sent GROUP BY part").fetchall()
        for part, offset in rows:
            if offset >= ends.get(part, 0):
                self._db.execute("UPDATE sent SET offset = ? WHERE part = ?", (NOWHERE, part))

    def _all(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def _cut(self) -> None:
        """Leave nothing of what was deleted in the log of changes."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def delivered(folder: Path, customer: str) -> dict[str, list[dict[str, str | None]]] | None:
    """What each destination with a file in this folder was sent of a customer; the files may be in use.

    None if there is no such folder: nobody delivers with it. StreamsError if a file can't be read.
    """
    if not folder.is_dir():
        return None
    found = {}
    for file in sorted(folder.glob("*.db")):
        try:
            with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as db:
                rows = db.execute(
                    "SELECT segment, value, state FROM sent WHERE customer = ?", (customer,)
                ).fetchall()
        except sqlite3.DatabaseError as error:
            raise StreamsError(f"{_unreadable(file, error)}, or move it away") from None
        found[file.stem] = [
            {"segment": segment, "value": value[1:] if value else None, "state": STATES[state]}
            for segment, value, state in rows
        ]
    return found


def _unreadable(file: Path, error: sqlite3.DatabaseError) -> str:
    """What is wrong, and what helps."""
    return f"{file}: can't be read as a file of what was sent ({error}): put a backup in its place"


def _columns(key: Key) -> tuple[str, str, str]:
    """A key as it stands in the table, where nothing is null: a null equals no other."""
    customer, segment, value = key
    return customer, segment, "" if value is None else f"={value}"


def _locked(file: Path) -> IO[str]:
    """A lock on the destination, for as long as the process lives."""
    lock = file.with_suffix(".lock").open("a+", encoding="ascii")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StreamsError(
            f"another process delivers to {file.stem}: stop it first (it holds {file.with_suffix('.lock')})"
        ) from None
    return lock
