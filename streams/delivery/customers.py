"""Who agrees to what, and who was erased: by every id that is one customer, from `profiles` and `identities`.

A link makes two ids one customer, whose profile of each source is the later one of both. So a consent that is withdrawn
under an absorbed id is withdrawn, and an erasure of one id erases all of them. Links are applied here as the workers
apply them (segments/SEMANTICS.md), but for two things. A link counts until its `unlink`, an erasure, or until Kafka has
deleted it, since how long the workers remember it depends on their rules. And of each id the latest profile alone is
known, as after compaction: what an id said while it was merged is gone once it has said something of its own again.
"""

import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import schemas
from schemas.records import LINK, PROFILE
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


@dataclass(slots=True)
class Merged:
    """Ids that were ever linked to each other, by their links, unlinks and erasures in order."""

    into: dict[str, str] = field(default_factory=dict)
    """Where an absorbed id leads."""
    held: dict[str, dict[str, int | None]] = field(default_factory=dict)
    """For who goes on: the ids whose profiles count, each up to an instant (that of an unlink), or None: for good."""
    erased: dict[str, int] = field(default_factory=dict)
    """The latest erasure of an id, by its own null or that of another id of the customer, in milliseconds."""

    def end(self, customer: str) -> str:
        """Who goes on."""
        while customer in self.into:
            customer = self.into[customer]
        return customer

    def profiles(self, customer: str) -> dict[str, int | None]:
        """The ids whose profiles count for who goes on."""
        return self.held.setdefault(customer, {customer: None})

    def link(self, customer: str, into: str) -> None:
        """Two ids become one customer, unless the first one leads somewhere already, or they are one."""
        end = self.end(into)
        if customer not in self.into and customer != end:
            self.into[customer] = into
            self.profiles(end).update(self.profiles(customer))

    def unlink(self, customer: str, into: str, at: int) -> None:
        """An id is itself again; what was merged stays."""
        if self.into.get(customer) != into:
            return
        del self.into[customer]
        held = self.profiles(self.end(into))
        ids = {*self.profiles(customer), *(each for each in held if self.end(each) == customer)}
        self.held[customer] = {each: held.get(each) for each in ids}
        held.update({each: at for each in ids if held.get(each) is None})

    def erase(self, customer: str, at: int) -> None:
        """All ids of a customer are forgotten, and each is itself again."""
        end = self.end(customer)
        gone = {each for each in self.profiles(end) if self.end(each) == end}
        for each in gone:
            self.erased[each] = at
            self.into.pop(each, None)
            self.held.pop(each, None)


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
        merged = self._merged(customer)
        customer = merged.end(customer)
        latest: dict[str, tuple[int, bool, str, str]] = {}
        for each, until in merged.profiles(customer).items():
            rows = self._db.execute(
                "SELECT source, told_at, yes, no FROM consent WHERE customer = ?", (each,)
            )
            for source, told_at, yes, no in rows:
                counts = told_at > merged.erased.get(each, -1) and (until is None or told_at <= until)
                found = told_at, each == customer, yes, no
                if counts and (source not in latest or latest[source][:2] < found[:2]):
                    latest[source] = found
        given = {name for found in latest.values() for name in found[2].split("\n") if name}
        refused = {name for found in latest.values() for name in found[3].split("\n")}
        return frozenset(given - refused)

    def erased_at(self, customer: str) -> int | None:
        """The latest erasure of a customer, by whichever of their ids, in milliseconds; None: there is none."""
        return self._merged(customer).erased.get(customer)

    def _merged(self, customer: str) -> Merged:
        """The ids that were ever linked with this one, with all that happened to them in order."""
        ids, links = self._linked(customer)
        happened: list[tuple[int, bool, int, tuple[Any, ...]]] = [
            (at, False, number, (name, into, undone)) for number, name, into, at, undone in links
        ]
        happened += [(at, True, 0, (each,)) for each in ids for at in self._erasures(each)]
        merged = Merged()
        # A link of the instant of an erasure is of before it.
        for at, is_erasure, _, told in sorted(happened):
            if is_erasure:
                merged.erase(told[0], at)
            elif told[2]:
                merged.unlink(told[0], told[1], at)
            else:
                merged.link(told[0], told[1])
        return merged

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
