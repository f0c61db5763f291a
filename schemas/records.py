"""The records of the topics (README.md): their names, their schemas, the ids they travel under.

A schema is one `.avsc` file. What was ever released stays in `released/`, one file for each version, and
`ids.json` gives each of those the id that stands before its bytes, so that no registry is needed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLICK = "Click"
TRANSACTION = "Transaction"
PROFILE = "Profile"
SEGMENT_EVENT = "SegmentEvent"
SEGMENT_MEMBERSHIPS = "SegmentMemberships"
SEGMENT_OUTCOME = "SegmentOutcome"
DEPLOYMENT = "Deployment"
LINK = "Link"
TRANSFER = "Transfer"

RECORD_OF_TOPIC: dict[str, str] = {
    "clickstream": CLICK,
    "transactions": TRANSACTION,
    "profiles": PROFILE,
    "segment-events": SEGMENT_EVENT,
    "segment-memberships": SEGMENT_MEMBERSHIPS,
    "segment-outcomes": SEGMENT_OUTCOME,
    "segment-deployments": DEPLOYMENT,
    "identities": LINK,
}

SOURCE = "profiles-"
"""What begins the topic of a profile source beside `profiles`."""

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a record's schema, as it was released, and the id it has on the wire."""

    id: int
    record: str
    version: int

    @property
    def path(self) -> Path:
        """The file that holds it."""
        return FOLDER / "released" / f"{self.record}.{self.version}.avsc"


def find_record(topic: str) -> str | None:
    """The record of a topic's values; None if it is none of ours, or a group's."""
    return RECORD_OF_TOPIC.get("profiles" if topic.startswith(SOURCE) else topic)


def record_of(topic: str) -> str:
    """The record of a topic's values; a KeyError if it is none of ours, or a group's."""
    return RECORD_OF_TOPIC["profiles" if topic.startswith(SOURCE) else topic]


def read(path: Path) -> Any:
    """The JSON of a schema file."""
    return json.loads(path.read_text(encoding="utf-8"))


def _shipped() -> Iterator[Release]:
    for number, entry in read(FOLDER / "ids.json").items():
        yield Release(int(number), entry["record"], entry["version"])


RECORDS = (*RECORD_OF_TOPIC.values(), TRANSFER)
"""All of them: transfers are in a topic of each group."""
_SCHEMAS: dict[str, Any] = {name: read(FOLDER / f"{name}.avsc") for name in RECORDS}
_RELEASES: tuple[Release, ...] = tuple(_shipped())


def schema(record: str) -> Any:
    """The schema by which a record is written today."""
    return _SCHEMAS[record]


def releases() -> tuple[Release, ...]:
    """Every version ever released."""
    return _RELEASES


def newest(record: str) -> Release:
    """The version by which a record is written today."""
    return max((each for each in _RELEASES if each.record == record), key=lambda each: each.version)
