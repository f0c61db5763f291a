"""Who agrees to what, and who was erased: by every id that is one customer, from `profiles` and `identities`.

A link makes two ids one customer, whose profile of each source is the later one of both. So a consent that is withdrawn
under an absorbed id is withdrawn, and an erasure of one id erases all of them. Under which id a profile counts is told
by `segments.insight.owners`, which differs from the workers in two things. A link counts until its `unlink`, an
erasure, or until Kafka has deleted it, since how long the workers remember it depends on their rules. And of each id
the latest profile alone is known, as after compaction: what an id said while it was merged is gone once it has said
something of its own again.
"""

import sqlite3
from collections.abc import Collection, Iterable

import schemas
from schemas.records import LINK, PROFILE
from segments.insight.owners import ALWAYS, NEVER, Owners
from segments.language.catalogue import FUTURE

MOST_IDS = 10_000
"""Ids of one customer that are looked at: the workers merge 100, so more is a constant id such as `anonymous`."""

TABLES = """
CREATE TABLE consent (
    customer TEXT, source TEXT, told_at INT, yes TEXT, no TEXT, PRIMARY KEY (customer, source)) WITHOUT ROWID;
CREATE TABLE erasure (customer TEXT PRIMARY KEY, at INT) WITHOUT ROWID;
CREATE TABLE link (number INTEGER PRIMARY KEY, customer TEXT, into_id TEXT, at INT, undone INT);
CREATE INDEX link_customer ON link (customer);
CREATE INDEX link_into ON link (into_id);
"""


class Customers:
    """Consents, links and erasures in the tables of a database; `names` are the consents that are asked for."""

    def __init__(self, db: sqlite3.Connection, names: Collection[str] = ()) -> None:
        self._db = db
        self._names = frozenset(names)
        db.executescript(TABLES)

    def profile(self, topic: str, customer: str, value: bytes | None, timestamp: int) -> None:
        """Take in a profile; an older one than that held has no effect, nor one of before an erasure."""
        if value is None:
            self._erasure(customer, timestamp)
            return
        if not self._names:
            return
        profile = schemas.decode(PROFILE, value)
        at = profile["occurred_at"]
        if profile["customer_id"] != customer or at > timestamp + FUTURE:
            return
        told = {name: given for name, given in profile["consents"].items() if name in self._names}
        yes, no = ("\n".join(sorted(each for each in told if told[each] is given)) for given in (True, False))
        self._db.execute(
            "INSERT INTO consent SELECT ?, ?, ?, ?, ? WHERE NOT EXISTS "
            "(SELECT 1 FROM erasure WHERE erasure.customer = ? AND at >= ?) ON CONFLICT DO UPDATE SET "
            "told_at = excluded.told_at, yes = excluded.yes, no = excluded.no WHERE excluded.told_at >= told_at",
            (customer, topic, at, yes, no, customer, at),
        )

    def _erasure(self, customer: str, at: int) -> None:
        self._db.execute(
            "INSERT INTO erasure VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
            (customer, at),
        )
        self._db.execute("DELETE FROM consent WHERE customer = ? AND told_at <= ?", (customer, at))

    def forget(self, topic: str) -> None:
        """What a source told is gone; erasures that it brought stay."""
        self._db.execute("DELETE FROM consent WHERE source = ?", (topic,))

    def link(self, customer: str, value: bytes | None, timestamp: int) -> None:
        """Take in a link or an unlink; one that the workers refuse or ignore has no effect."""
        if value is None:
            return
        link = schemas.decode(LINK, value)
        into, at, undone = link["into"], link["occurred_at"], link["action"] == "unlink"
        if link["customer_id"] != customer or into == customer or at > timestamp + FUTURE:
            return
        if link["action"] not in ("link", "unlink"):
            return
        rows = self._db.execute(
            "SELECT number, into_id, at, undone FROM link WHERE customer = ? ORDER BY number", (customer,)
        ).fetchall()
        if not undone and any(row[3] and at <= row[2] for row in rows):
            return
        at = max([at, *(row[2] for row in rows)])
        # Of the same link at each login the first and the latest count: an erasure may lie between them.
        is_renewal = [(row[1], bool(row[3])) for row in rows[-2:]] == [(into, undone)] * 2
        self._db.execute(
            "INSERT OR REPLACE INTO link VALUES (?, ?, ?, ?, ?)",
            (rows[-1][0] if is_renewal else None, customer, into, at, undone),
        )

    def consents(self, customer: str) -> frozenset[str]:
        """What the customer agrees to: by the latest profile of some source, and none says no."""
        ids, owners = self._owners(customer)
        customer = owners.owner(customer, NEVER)
        latest: dict[str, tuple[int, bool, str, str]] = {}
        for each in ids:
            erased_at = max(owners.erased.get(name, ALWAYS) for name in (each, customer))
            rows = self._db.execute(
                "SELECT source, told_at, yes, no FROM consent WHERE customer = ?", (each,)
            )
            for source, told_at, yes, no in rows:
                counts = told_at > erased_at and owners.owner(each, told_at) == customer
                found = told_at, each == customer, yes, no
                if counts and (source not in latest or latest[source][:2] < found[:2]):
                    latest[source] = found
        given = {name for found in latest.values() for name in found[2].split("\n") if name}
        refused = {name for found in latest.values() for name in found[3].split("\n")}
        return frozenset(given - refused)

    def erased_at(self, customer: str) -> int | None:
        """The latest erasure of a customer, by whichever of their ids, in milliseconds; None: there is none."""
        return self._owners(customer)[1].erased.get(customer)

    def _owners(self, customer: str) -> tuple[Collection[str], Owners]:
        """The ids that were ever linked with this one, and under which of them each record counts."""
        ids, rows = self._linked(customer)
        links = [
            {
                "customer_id": row[1],
                "into": row[2],
                "occurred_at": row[3],
                "action": "unlink" if row[4] else "link",
            }
            for row in sorted(rows)
        ]
        return ids, Owners(links, ((each, at) for each in ids for at in self._erasures(each)))

    def _linked(self, customer: str) -> tuple[Collection[str], Iterable[tuple[int, str, str, int, int]]]:
        ids, links, new = {customer}, {}, [customer]
        while new and len(ids) < MOST_IDS:
            name = new.pop()
            rows = self._db.execute(
                "SELECT number, customer, into_id, at, undone FROM link WHERE customer = ? OR into_id = ?",
                (name, name),
            ).fetchall()
            links.update({row[0]: row for row in rows})
            found = {each for row in rows for each in row[1:3]} - ids
            ids |= found
            new += found
        return ids, links.values()

    def _erasures(self, customer: str) -> list[int]:
        return [row[0] for row in self._db.execute("SELECT at FROM erasure WHERE customer = ?", (customer,))]
