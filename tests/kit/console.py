"""A console over recorded topics, without Kafka: what workers would have written is given to its reader."""

import asyncio
import json
import re
import time
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import test_utils
from aiokafka import TopicPartition

import schemas
from schemas.records import SEGMENT_EVENT, SEGMENT_MEMBERSHIPS, SEGMENT_OUTCOME
from segments.language.catalogue import CLICKSTREAM
from streams.clock import wall_clock
from streams.console.console import Console
from streams.console.database import Database
from streams.console.reader import DEAD_LETTERS, EVENTS, MEMBERSHIPS, OUTCOMES, Reader
from streams.console.rules import Rules, of_files
from streams.console.server import application
from streams.console.workers import Workers
from streams.settings.settings import Settings
from tests.kit.events import whole

PLAIN: dict[str, Any] = {"value": None, "details": {}, "arm": None}
NOTHING = {"cause": None, "evidence": [], "valid_until": None, "segment_version": "v1", **PLAIN}


@dataclass(frozen=True)
class Recorded:
    """A record as a consumer gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class Topics:
    """What workers wrote, in one partition: enters, exits and the memberships after each of them."""

    records: list[Recorded] = field(default_factory=list)
    inside: dict[str, dict[tuple[str, str | None], dict[str, Any]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    sequence: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, topic: str, key: str, value: bytes | None, at: int, **headers: str) -> None:
        """Write a record."""
        told = tuple((name, text.encode()) for name, text in headers.items())
        self.records.append(Recorded(topic, 0, len(self.records), key.encode(), value, at, told))

    def flip(
        self, customer: str, transition: str, segment: str, at: int | None = None, **more: Any
    ) -> dict[str, Any]:
        """Write an enter or exit, and the memberships after it; the event."""
        at = wall_clock() if at is None else at
        self.sequence[customer] += 1
        sequence, inside = self.sequence[customer], self.inside[customer]
        value, arm = more.get("value"), more.get("arm")
        if transition == "enter":
            inside[segment, value] = {
                "segment": segment,
                "segment_version": "v1",
                "entered_at": at,
                "episode": sequence,
                "valid_until": None,
                **PLAIN,
                "value": value,
                "arm": arm,
            }
        episode = inside[segment, value]["episode"]
        if transition == "exit":
            del inside[segment, value]
        event = {
            **NOTHING,
            "event_id": f"{customer}-{sequence}",
            "customer_id": customer,
            "segment": segment,
            "transition": transition,
            "occurred_at": at,
            "emitted_at": at,
            "sequence": sequence,
            "episode": episode,
            "reason": "event",
            **more,
        }
        self.add(EVENTS, customer, schemas.encode(SEGMENT_EVENT, event), at)
        if event["reason"] != "erasure":
            self.memberships(customer, at)
        return event

    def memberships(self, customer: str, at: int) -> None:
        """Write the customer's memberships as they are."""
        record = {
            "customer_id": customer,
            "sequence": self.sequence[customer],
            "segments": [
                self.inside[customer][each] for each in sorted(self.inside[customer], key=_by_bytes)
            ],
        }
        self.add(MEMBERSHIPS, customer, schemas.encode(SEGMENT_MEMBERSHIPS, record), at)

    def erase(self, customer: str) -> None:
        """Write what an erasure gives: the exits, and a null."""
        for segment, value in sorted(self.inside[customer], key=_by_bytes):
            self.flip(customer, "exit", segment, reason="erasure", value=value)
        self.add(MEMBERSHIPS, customer, None, wall_clock())

    def outcome(self, segment: str, arm: str | None, *, converted: bool, **more: Any) -> None:
        """Write what came of a stay."""
        at = wall_clock()
        told = {
            **dict.fromkeys(("value", "experiment", "control")),
            "event_id": f"outcome-{len(self.records)}",
            "customer_id": "ann",
            "entered_as": "ann",
            "segment": segment,
            "segment_version": "v1",
            "episode": 1,
            "kind": "matured",
            "reason": "event",
            "arm": arm,
            "goal": "purchase.within(days=7)",
            "entered_at": at - 10,
            "first_goal_at": at - 5 if converted else None,
            "occurred_at": at,
            "emitted_at": at,
            "goals": int(converted),
            "revenue": 4_995 if converted else 0,
            **more,
        }
        self.add(OUTCOMES, "ann", schemas.encode(SEGMENT_OUTCOME, told), at)

    def letter(self, reason: str) -> None:
        """Write a dead letter."""
        self.add(DEAD_LETTERS, "somebody", b"\xff", wall_clock(), reason=reason)

    def take(self) -> dict[TopicPartition, list[Recorded]]:
        """What was written since the last call, as a consumer gives it."""
        found: dict[TopicPartition, list[Recorded]] = defaultdict(list)
        for record in self.records:
            found[TopicPartition(record.topic, 0)].append(record)
        self.records = []
        return found


def _by_bytes(stay: tuple[str, str | None]) -> tuple[str, str]:
    """The order of memberships: by segment, then value, null first."""
    segment, value = stay
    return segment, value or ""


def click(customer, at, kind="page_view", **more):
    """A click, encoded."""
    event = {
        "event_id": f"{kind}{at}",
        "customer_id": customer,
        "occurred_at": at,
        "kind": kind,
    }
    return schemas.encode(schemas.CLICK, whole(CLICKSTREAM, event | more))


def settings_of(folder: Path, **more: Any) -> Settings:
    """Settings of a console of a test."""
    return Settings(data_dir=folder, brokers="127.0.0.1:1", **more)


def shipped() -> Rules:
    """The rules that are shipped, as files."""
    return of_files(Settings())


def console_of(settings: Settings, rules: Rules | None = None) -> Console:
    """A console that has read nothing, and is at the end of its topics."""
    reader = Reader(Database(settings.data_dir / "console.db"), settings, None)
    reader.progress.caught_up, reader.progress.as_of = True, wall_clock()
    reader.progress.partitions = 1
    return Console(
        settings, reader, Workers(settings), rules or Rules(), lambda customer: {"customer_id": customer}
    )


async def read(console: Console, topics: Topics) -> None:
    """Let a console read what was written."""
    at = wall_clock()
    await console.reader.ask(console.reader.take_in, topics.take(), {}, at)
    console.reader.tell_forgotten()
    console.progress.as_of = at
    for tell in console.reader.changed:
        tell()


def visiting(tmp_path, visit, rules=None, **settings):
    """Run a visit, given a client and the console, against a console of its own."""

    async def main():
        console = console_of(settings_of(tmp_path, **settings), rules)
        app = application(console, "127.0.0.1:0")
        async with test_utils.TestClient(test_utils.TestServer(app)) as client:
            try:
                return await visit(client, console)
            finally:
                await console.reader.close()

    return asyncio.run(main())


def events_of(text: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Name, id and data of server-sent events."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


def asked(where: str, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of an answer of a console that was started."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{where}{path}", headers=headers), timeout=10
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def address(console: Any) -> str:
    """Where a console that was started listens."""
    deadline = time.monotonic() + 20
    while not (found := re.search(r"the console: (http://\S+)/segments", console.stderr)):
        assert time.monotonic() < deadline, console.stderr
        time.sleep(0.05)
    return found[1]


def events_read(*events):
    """What reads a customer's past, from records instead of Kafka."""

    def read_them(reading, _count):
        reading.total = reading.done = len(events)
        for topic, value, at in events:
            reading.add(topic, at, value)

    return read_them
