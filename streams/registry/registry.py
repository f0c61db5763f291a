"""A schema registry with Confluent's interface: our schemas registered there, any id that it gave found out.

Ids never change their meaning, so what was learned is kept for good. That a registry does not know an id, knows it for
other subjects only, or answers with what can't be used, is kept for a minute: somebody may register or mend it yet. A
registry that is away is no answer at all, and nothing is concluded from it.
"""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import schemas
from schemas.records import Release, releases
from segments.language.catalogue import is_source
from streams.errors import RegistryError, RegistryUnusable
from streams.kafka.topics import Difference
from streams.registry import readable
from streams.registry.client import RegistryClient, registry_client
from streams.settings.settings import Settings

COMPATIBILITY = "FULL_TRANSITIVE"
UNKNOWN_SECONDS = 60.0
UNKNOWN_MOST = 10_000
HEADER_LENGTH = 5
"""Bytes before the Avro data: 0 and the id."""
TOPICS = tuple(schemas.RECORD_OF_TOPIC)


def subject(topic: str) -> str:
    """Under which name the schemas of a topic's values are registered."""
    return f"{topic}-value"


def connect(settings: Settings) -> "Registry | None":
    """The registry of the settings, None without one. From now on, the ids that count are the registry's.

    Of a process's registry there is one: what it has learned is not forgotten when it is asked for again.
    """
    client = registry_client(settings)
    if client is None:
        return None
    if client.url not in _connected:
        readable.renumber({})
        _connected[client.url] = Registry(client)
    return _connected[client.url]


_connected: dict[str, "Registry"] = {}


class Registry:
    """What this process knows of a registry. Each call asks it at most once, and raises if it does not answer."""

    def __init__(self, client: RegistryClient) -> None:
        self.url = client.url
        self._client = client
        self._unknown: dict[int, float] = {}
        self._refused: dict[tuple[str, int], float] = {}
        """Ids that a topic's records are refused for, since when: about them the registry is asked again."""

    def register(self, topics: Iterable[str] = TOPICS) -> None:
        """Make sure that all we released is there, and write and read these topics with its ids.

        What is there already is only looked up: an account that may not write is enough then.
        """
        readable.renumber(
            {release: number for topic in topics for release, number in self._registered(topic)}
        )

    def _registered(self, topic: str) -> Iterator[tuple[Release, int]]:
        config = f"/config/{subject(topic)}"
        if self._compatibility(topic) != COMPATIBILITY:
            self._client.ask("PUT", config, {"compatibility": COMPATIBILITY})
        for release in _released(topic):
            yield release, self._id(topic, release) or self._add(topic, release)

    def _compatibility(self, topic: str) -> str | None:
        found = self._client.ask("GET", f"/config/{subject(topic)}") or {}
        return found.get("compatibilityLevel")

    def _id(self, topic: str, release: Release) -> int | None:
        found = self._client.ask("POST", f"/subjects/{subject(topic)}", _body(release))
        return None if found is None else int(found["id"])

    def _add(self, topic: str, release: Release) -> int:
        found = self._client.ask("POST", f"/subjects/{subject(topic)}/versions", _body(release))
        if found is None:
            raise RegistryError(f"the schema registry at {self.url} did not take {subject(topic)}")
        return int(found["id"])

    def differences(self) -> list[Difference]:
        """How the registry differs from what it should hold."""
        return [Difference(subject(topic), each, _MEND) for topic in TOPICS for each in self._wrong(topic)]

    def _wrong(self, topic: str) -> Iterator[str]:
        if (found := self._compatibility(topic)) != COMPATIBILITY:
            yield f"expected compatibility {COMPATIBILITY} in the registry, came {found or 'nothing'}"
        if missing := [each for each in _released(topic) if self._id(topic, each) is None]:
            versions = ", ".join(str(each.version) for each in missing)
            yield f"version {versions} of {missing[0].record} is not in the registry"

    def unsettled(self, topic: str, values: Iterable[bytes | None]) -> list[int]:
        """The ids before these values about which the registry must be asked."""
        name = schemas.record_of(topic)
        starts = {value[:5] for value in values if value is not None}
        asked = {int.from_bytes(start[1:], "big") for start in starts if not schemas.is_settled(name, start)}
        asked = {number for number in asked if not _is_recent(self._unknown.get(number))}
        numbers = {int.from_bytes(start[1:], "big") for start in starts if len(start) == HEADER_LENGTH}
        refused = (number for number in numbers if (topic, number) in self._refused)
        return sorted(asked | {each for each in refused if not _is_recent(self._refused[topic, each])})

    def learn(self, topic: str, number: int) -> str | None:
        """Find out what to do with records of a topic that have this id; in words if they can't be read."""
        try:
            found = self._client.ask("GET", f"/schemas/ids/{number}")
        except RegistryUnusable as error:
            return self._refuse_for_now(topic, number, f"can't be found out: {error}")
        if found is None:
            if len(self._unknown) >= UNKNOWN_MOST:
                self._unknown.clear()
            self._unknown[number] = time.monotonic()
            return "is not in the registry"
        name = schemas.record_of(topic)
        try:
            written = _avro(found)
            schemas.check(name, written)
        except schemas.SchemaError as error:
            why = f"is not compatible with {name}: {error}"
        except Exception as error:  # noqa: BLE001 - it is foreign: none may stop the partition that waits for it
            why = f"is not compatible with {name}: {type(error).__name__}: {error}"
        else:
            return self._accept(topic, number, written)
        readable.refuse(name, number, why)
        return why

    def _accept(self, topic: str, number: int, written: Any) -> str | None:
        """Read records by a schema that fits, if it is registered for this topic."""
        subjects = self._client.names(f"/schemas/ids/{number}/subjects")
        if subjects is not None and subject(topic) not in subjects:
            others = ", ".join(subjects[:3]) or "nothing"
            return self._refuse_for_now(topic, number, f"is of {others:.200}, not of {subject(topic)}")
        readable.accept(schemas.record_of(topic), number, written)
        self._refused.pop((topic, number), None)
        return None

    def _refuse_for_now(self, topic: str, number: int, why: str) -> str:
        if len(self._refused) >= UNKNOWN_MOST:
            self._refused.clear()
        self._refused[topic, number] = time.monotonic()
        readable.refuse(schemas.record_of(topic), number, why)
        return why

    def learn_all(self, topic: str, values: Iterable[bytes | None]) -> None:
        """Find out about all ids before these values."""
        if topic in TOPICS or is_source(topic):
            for number in self.unsettled(topic, values):
                self.learn(topic, number)


def _is_recent(since: float | None) -> bool:
    """Whether an answer was given so lately that the registry need not be asked again."""
    return since is not None and time.monotonic() - since < UNKNOWN_SECONDS


_MEND = "register it with `segments topics create`"


def _released(topic: str) -> list[Release]:
    """Every version of a topic's record, the oldest first."""
    name = schemas.record_of(topic)
    return sorted((each for each in releases() if each.record == name), key=lambda each: each.version)


def _body(release: Release) -> dict[str, Any]:
    return {"schema": release.path.read_text(encoding="utf-8"), "schemaType": "AVRO"}


def _avro(found: dict[str, Any]) -> Any:
    """The schema in an answer; SchemaError if it is none of Avro's, or not whole."""
    if (kind := found.get("schemaType", "AVRO")) != "AVRO":
        raise schemas.SchemaError(f"a schema of {kind}, not Avro")
    if found.get("references"):
        raise schemas.SchemaError("a schema that refers to other subjects")
    try:
        return json.loads(found["schema"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise schemas.SchemaError(f"no schema in the registry's answer ({type(error).__name__})") from error
