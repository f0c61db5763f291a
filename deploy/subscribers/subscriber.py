"""Keeps who is in which segment in an SQLite file, and prints what changes: `python subscriber.py BROKERS FILE`.

Needs confluent-kafka, fastavro and the folder `schemas/` of this repository; nothing else of it.
"""

import io
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from fastavro import schemaless_reader
from fastavro.schema import load_schema

EVENTS, MEMBERSHIPS = "segment-events", "segment-memberships"
RULE_CHANGES = {"rule_added", "rule_changed", "rule_removed"}
TABLES = """CREATE TABLE IF NOT EXISTS customers (id TEXT PRIMARY KEY, sequence INT, segments TEXT);
CREATE TABLE IF NOT EXISTS positions (part INT PRIMARY KEY, next INT);
CREATE TABLE IF NOT EXISTS halves (merge TEXT PRIMARY KEY, since REAL, event TEXT);"""
MERGE_SECONDS = 60.0  # for which one half of a merge waits for the other
WRITTEN = "released/{record}.{version}.avsc"
FOLDER = Path(__file__).parents[2] / "schemas"
SCHEMAS: dict[int, Any] = {  # by id: the one that a record was written by, and the newest of it that we have
    int(number): [load_schema(str(FOLDER / name.format(**each))) for name in (WRITTEN, "{record}.avsc")]
    for number, each in json.loads((FOLDER / "ids.json").read_text()).items()
}


def decode(value: bytes) -> Any:
    """A record: a zero, its schema's id in four bytes, Avro."""
    return schemaless_reader(io.BytesIO(value[5:]), *SCHEMAS[int.from_bytes(value[1:5], "big")])


def follow(brokers: str, file: str, announce: Callable[[Any], None]) -> None:
    """Take a snapshot if the file is new, then every enter and exit, for ever."""
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": "unused", "enable.auto.commit": False,
        "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "error",
    })  # fmt: skip
    db = sqlite3.connect(file)
    db.executescript(TABLES)
    for part in consumer.list_topics(EVENTS).topics[EVENTS].partitions:
        if not db.execute("SELECT 1 FROM positions WHERE part = ?", (part,)).fetchone():
            with db:
                snapshot(db, consumer, part)
    consumer.assign([TopicPartition(EVENTS, *row) for row in db.execute("SELECT part, next FROM positions")])
    while True:
        with db:  # one transaction: after a crash customers and positions are as they were
            for message in consumer.consume(500, 0.2):
                if not (error := message.error()):
                    apply(db, message, announce)
                elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - its public name
                    sys.exit(f"{error}: too far behind. Remove {file} to begin with a snapshot")
            announce_halves(db, time.time() - MERGE_SECONDS, announce)


def snapshot(db: sqlite3.Connection, consumer: Any, part: int) -> None:
    """First where the events end, then all memberships: what comes in between is in both, and taken once."""
    end = consumer.get_watermark_offsets(TopicPartition(EVENTS, part))[1]
    db.execute("INSERT INTO positions VALUES (?, ?)", (part, end))
    consumer.assign([TopicPartition(MEMBERSHIPS, part, OFFSET_BEGINNING)])
    while not (message := consumer.poll(60)).error():  # the end of a partition is an error to it
        found = decode(message.value()) if message.value() else None
        names = {place(each) for each in found["segments"]} if found else set()
        store(db, message.key(), found["sequence"] if found else 0, names)


def apply(db: sqlite3.Connection, message: Any, announce: Callable[[Any], None]) -> None:
    """Apply one enter or exit, unless the snapshot has it; a sequence of 1 begins a new life of the customer."""
    event, key = decode(message.value()), message.key()
    row = db.execute("SELECT sequence, segments FROM customers WHERE id = ?", (key.decode(),)).fetchone()
    sequence, names = row if row and event["sequence"] > 1 else (0, "[]")
    if event["sequence"] > sequence:
        segments = set(json.loads(names))
        (segments.add if event["transition"] == "enter" else segments.discard)(place(event))
        store(db, key, event["sequence"], segments)
        if event["reason"] == "merged":
            net(db, event)
        elif event["reason"] not in RULE_CHANGES and event.get("arm") != "control":
            announce(event)
    db.execute("UPDATE positions SET next = ? WHERE part = ?", (message.offset() + 1, message.partition()))


def net(db: sqlite3.Connection, event: Any) -> None:
    """Keep one half of a merge until the other comes, by their cause: who only got another id is no news."""
    if event.get("arm") == "control":  # it is never announced, so the other half is news
        return
    merge = json.dumps([event["segment"], event.get("value"), event["cause"]["event_id"]])
    row = db.execute("SELECT event FROM halves WHERE merge = ?", (merge,)).fetchone()
    if row and json.loads(row[0])["transition"] != event["transition"]:
        db.execute("DELETE FROM halves WHERE merge = ?", (merge,))
    else:
        row = merge, time.time(), json.dumps(event, default=str)
        db.execute("INSERT OR REPLACE INTO halves VALUES (?, ?, ?)", row)


def announce_halves(db: sqlite3.Connection, before: float, announce: Callable[[Any], None]) -> None:
    """Announce the halves that have waited since before an instant: the other half was a stay, or none."""
    for merge, event in db.execute("SELECT merge, event FROM halves WHERE since < ?", (before,)).fetchall():
        announce(json.loads(event))
        db.execute("DELETE FROM halves WHERE merge = ?", (merge,))


def place(each: Any) -> str:
    """A segment, and the value of a segment with values: a customer may be in it for several."""
    return str(each["segment"] if each.get("value") is None else f"{each['segment']}={each['value']}")


def store(db: sqlite3.Connection, key: bytes, sequence: int, segments: set[str]) -> None:
    """Keep a customer; of whom is in no segment, erased ones among them, nothing is kept."""
    row = key.decode(), sequence, json.dumps(sorted(segments))
    db.execute("INSERT OR REPLACE INTO customers VALUES (?, ?, ?)", row)
    db.execute("DELETE FROM customers WHERE id = ? AND segments = '[]'", row[:1])


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2], lambda event: print(json.dumps(event, default=str), flush=True))
