"""A schema registry with Confluent's interface: our schemas registered there, any id that it gave found out.

Ids never change their meaning, so what was learned is kept for good. That a registry does not know an id is kept for a
minute: somebody may register it yet. A registry that is away is no answer at all, and nothing is concluded from it.
"""

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

import schemas
from schemas.records import Release, releases
from streams.errors import RegistryError
from streams.kafka.topics import Difference
from streams.registry.client import RegistryClient, registry_client
from streams.settings.settings import Settings

COMPATIBILITY = "FULL_TRANSITIVE"
UNKNOWN_SECONDS = 60.0
UNKNOWN_MOST = 10_000
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
        schemas.renumber({})
        _connected[client.url] = Registry(client)
    return _connected[client.url]


_connected: dict[str, "Registry"] = {}


class Registry:
    """What this process knows of a registry. Each call asks it at most once, and raises if it does not answer."""

    def __init__(self, client: RegistryClient) -> None:
        self.url = client.url
        self._client = client
        self._unknown: dict[int, float] = {}

    def register(self, topics: Iterable[str] = TOPICS) -> None:
        """Make sure that all we released is there, and write and read these topics with its ids.

        What is there already is only looked up: an account that may not write is enough then.
        """
        schemas.renumber({release: number for topic in topics for release, number in self._registered(topic)})

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
        name = schemas.RECORD_OF_TOPIC[topic]
        starts = {value[:5] for value in values if value is not None}
        asked = (int.from_bytes(start[1:], "big") for start in starts if not schemas.is_settled(name, start))
        return [number for number in asked if not self._is_unknown(number)]

    def _is_unknown(self, number: int) -> bool:
        return time.monotonic() - self._unknown.get(number, -UNKNOWN_SECONDS) < UNKNOWN_SECONDS

    def learn(self, topic: str, number: int) -> str | None:
        """Find out what to do with records of a topic that have this id; in words if they can't be read."""
        found = self._client.ask("GET", f"/schemas/ids/{number}")
        if found is None:
            if len(self._unknown) >= UNKNOWN_MOST:
                self._unknown.clear()
            self._unknown[number] = time.monotonic()
            return "is not in the registry"
        name = schemas.RECORD_OF_TOPIC[topic]
        try:
            schemas.accept(name, number, _avro(found))
        except schemas.SchemaError as error:
            why = f"is not compatible with {name}: {error}"
            schemas.refuse(name, number, why)
            return why
        return None

    def learn_all(self, topic: str, values: Iterable[bytes | None]) -> None:
        """Find out about all ids before these values."""
        if topic in TOPICS:
            for number in self.unsettled(topic, values):
                self.learn(topic, number)


_MEND = "register it with `segments topics create`"


def _released(topic: str) -> list[Release]:
    """Every version of a topic's record, the oldest first."""
    name = schemas.RECORD_OF_TOPIC[topic]
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
