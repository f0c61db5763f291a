"""The deployments of a group as the topic has them, and their chain.

The chain is the first deployment, then each time the next by offset whose `follows` is the chain's last. It is read
from partition 0, which has the rules for people as well; the other partitions tell who has what.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import cramjam
from kafka import KafkaConsumer

import schemas
from segments.engine import Border, PlannedRules
from segments.language.catalogue import DEPLOYMENTS
from segments.plan.borders import borders_of
from streams.errors import StreamsError
from streams.kafka.read_committed import assign, committed_reader, partitions_of, until
from streams.registry.registry import connect
from streams.settings.settings import Settings

RULES, FILL, BORDERS = "rules", "fill", "borders"
"""The kinds of deployments."""


class UnreadableDeployment(StreamsError):
    """A deployment of the group was written by a newer version."""


@dataclass(frozen=True)
class Deployed:
    """A deployment of kind `rules` or `fill`, or of borders, as partition 0 has it."""

    offset: int
    timestamp: int
    """The Kafka timestamp, in milliseconds."""
    fields: Mapping[str, Any]
    """In engine form."""

    @property
    def id(self) -> str:
        """Its deployment_id."""
        return str(self.fields["deployment_id"])

    @property
    def kind(self) -> str:
        """`rules`, `fill` or `borders`."""
        return str(self.fields["kind"])

    @property
    def occurred_at(self) -> int:
        """When it was deployed, in milliseconds: its Kafka timestamp where it took effect at once."""
        return int(self.fields["occurred_at"]) or self.timestamp

    @cached_property
    def plan(self) -> bytes:
        """The plan, as JSON; empty for borders."""
        return unpacked(self.fields["plan"])

    @cached_property
    def planned(self) -> PlannedRules:
        """The rule set; raises UnreadableDeployment if this version can't read its plan."""
        try:
            return PlannedRules(self.plan)
        except ValueError as error:
            raise UnreadableDeployment(
                f"Deployment {self.id} can't be read: {error} Update this installation of segments."
            ) from error

    @cached_property
    def rules(self) -> list[dict[str, Any]]:
        """The rules for people: id, version, titles, docstring, source, file."""
        found: list[dict[str, Any]] = json.loads(unpacked(self.fields["rules"]) or b"[]")
        return found

    @property
    def settings(self) -> Mapping[str, Any]:
        """The settings that decide."""
        found: Mapping[str, Any] = self.fields["settings"] or {}
        return found


@dataclass(frozen=True)
class Chains:
    """What the topic has of a group."""

    deployments: tuple[Deployed, ...]
    """The chain, in its order; borders included, fills not."""
    held: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """For each partition the ids of the deployments that it has."""
    filling: Deployed | None = None
    """The last record that asks for measures to be filled beside the running rules; None: there is none since those."""
    fills: tuple[Deployed, ...] = ()
    """All such records."""

    @property
    def last(self) -> Deployed | None:
        """The last one of the chain, which the next one follows."""
        return self.deployments[-1] if self.deployments else None

    @property
    def written(self) -> tuple[Deployed, ...]:
        """All that partitions follow, in the order of the log: the chain, and the records that ask for fillings."""
        return tuple(sorted((*self.deployments, *self.fills), key=lambda each: each.offset))

    @property
    def rules(self) -> tuple[Deployed, ...]:
        """Those that bring a rule set."""
        return tuple(each for each in self.deployments if each.kind == RULES)

    def after(self, deployment_id: str) -> list[str]:
        """The ids of the chain that come after one of it."""
        ids = [each.id for each in self.deployments]
        return ids[ids.index(deployment_id) + 1 :] if deployment_id in ids else []

    def whole(self, deployed: Deployed) -> Deployed:
        """A deployment of borders with the rules and the settings that it went with; any other as it is."""
        if deployed.kind != BORDERS:
            return deployed
        before = [each for each in self.rules if each.offset < deployed.offset]
        fields = {**before[-1].fields, "borders": deployed.fields["borders"]}
        fields["deployment_id"] = deployed.id
        return Deployed(deployed.offset, deployed.timestamp, fields)

    @property
    def running(self) -> Deployed | None:
        """The rule set that the group runs, or will run once it has come so far in its log."""
        return self.rules[-1] if self.rules else None

    @property
    def borders(self) -> tuple[Border, ...]:
        """Those published by the last one of the chain."""
        return () if self.last is None else borders_of(self.last.fields["borders"])

    @property
    def lacking(self) -> tuple[int, ...]:
        """Partitions, ascending, that do not have the running one: they were added later."""
        running = self.running
        return tuple(
            number for number, held in sorted(self.held.items()) if running is None or running.id not in held
        )


def packed(data: bytes) -> bytes:
    """Compressed with zstd."""
    return bytes(cramjam.zstd.compress(data, 10))


def unpacked(data: bytes | None) -> bytes:
    """What was compressed with zstd; empty of None."""
    return bytes(cramjam.zstd.decompress(data)) if data else b""


def chain_of(found: Sequence[Deployed]) -> tuple[Deployed, ...]:
    """The chain of these deployments of one group, which are in the order of their offsets."""
    chain: list[Deployed] = []
    for each in found:
        is_next = not chain or each.fields["follows"] == chain[-1].id
        if each.kind != FILL and is_next and each.id not in {other.id for other in chain}:
            chain.append(each)
    return tuple(chain)


def read_chains(settings: Settings) -> Chains:
    """What the topic has of the group, read to its end as it is now.

    Raises TopicsError if there is no such topic, BrokerAway, and UnreadableDeployment.
    """
    with committed_reader(settings) as consumer:
        return read_from(consumer, settings)


def read_from(consumer: KafkaConsumer, settings: Settings) -> Chains:
    """The same by a consumer of one's own."""
    registry, key = connect(settings), settings.group.encode()
    places = partitions_of(consumer, DEPLOYMENTS)
    held: dict[int, set[str]] = {place.partition: set() for place in places}
    found: list[Deployed] = []
    for batch in until(consumer, assign(consumer, places, from_beginning=True), settings):
        if registry is not None:
            registry.learn_all(DEPLOYMENTS, (record.value for record in batch))
        for record in (each for each in batch if each.key == key and each.value is not None):
            deployed = Deployed(record.offset, record.timestamp, _decoded(record))
            held[record.partition].add(deployed.id)
            if record.partition == 0:
                found.append(deployed)
    chain = chain_of(found)
    running = next((each for each in reversed(chain) if each.kind == RULES), None)
    known = {each.id for each in chain}
    fills = tuple(each for each in found if each.kind == FILL and each.fields["follows"] in known)
    filling = next((each for each in reversed(fills) if running and each.offset > running.offset), None)
    return Chains(chain, {number: frozenset(ids) for number, ids in held.items()}, filling, fills)


def _decoded(record: Any) -> Mapping[str, Any]:
    try:
        return schemas.decode(schemas.DEPLOYMENT, record.value)
    except schemas.DecodeError as error:
        raise UnreadableDeployment(
            f"{DEPLOYMENTS}, partition {record.partition}, offset {record.offset}: {error}. A newer version wrote it: "
            "update this installation of segments."
        ) from error
