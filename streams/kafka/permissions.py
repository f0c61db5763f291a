"""What a worker must be allowed to do, asked of the broker before anything is consumed.

A broker without an authorizer allows everything. One with says, with what it describes, which operations are allowed to
whoever asks: so everything that is missing is named at once, not one failure after the other.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import (
    AuthorizationError,
    GroupAuthorizationFailedError,
    KafkaError,
    TransactionalIdAuthorizationFailedError,
)

from streams.errors import StreamsError
from streams.kafka.connection import admin
from streams.kafka.topics import Topic, of_sources, of_workers
from streams.settings.settings import Settings

NOT_ALLOWED = 29
UNKNOWN_TOPIC = 3
OF_TOPIC = {
    "in": ("READ", "DESCRIBE_CONFIGS"),
    "rules": ("READ", "DESCRIBE_CONFIGS"),
    "out": ("WRITE", "DESCRIBE_CONFIGS"),
    "state": ("READ", "WRITE", "DESCRIBE_CONFIGS"),
    "transfers": ("READ", "WRITE", "DELETE", "DESCRIBE_CONFIGS"),
}
"""What a worker does with topics: it reads the inputs, writes the outputs, both with its changelog and the transfers
between its partitions, of which it deletes what was applied."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Operations on something that aren't allowed."""

    kind: str
    name: str
    operations: tuple[str, ...]

    def __str__(self) -> str:
        """What is missing, and the command that allows it."""
        prefixed = self.kind == "transactional-id"
        what = f"transactional ids that begin with {self.name}" if prefixed else f"{self.kind} {self.name}"
        options = [f"--operation {each.title().replace('_', '')}" for each in self.operations]
        options += [f"--{self.kind} {self.name}", *["--resource-pattern-type prefixed"] * prefixed]
        return (
            f"{', '.join(self.operations)} on {what}: allow it with "
            f"`kafka-acls.sh --add --allow-principal User:… {' '.join(options)}`"
        )


class NotAllowed(StreamsError):
    """Kafka's authorizer doesn't allow what is needed: one line for each ACL that is missing."""

    def __init__(self, missing: list[Missing]) -> None:
        """Name them all."""
        lines = "\n".join(f"missing ACL: {each}" for each in missing)
        super().__init__(f"Kafka does not allow this user what a worker needs.\n{lines}")


def require_allowed(settings: Settings) -> None:
    """Raise NotAllowed unless a worker may do all that it needs to; BrokerAway if nobody answers."""
    with admin(settings) as client:
        missing = [
            *_of_topics(client, of_workers(settings.group)),
            *_of_group(client, settings.group),
            *_of_transactions(client, settings.group),
        ]
    if missing:
        raise NotAllowed(missing)


def require_readable(settings: Settings, sources: Iterable[str]) -> None:
    """Raise NotAllowed unless a worker may read the topics of these profile sources; BrokerAway if nobody answers."""
    with admin(settings) as client:
        missing = list(_of_topics(client, of_sources(sources)))
    if missing:
        raise NotAllowed(missing)


def transactions_refused(group: str) -> NotAllowed:
    """What it means that a transactional id of this group is refused."""
    return NotAllowed([Missing("transactional-id", f"{group}-", ("WRITE",))])


def group_refused(group: str) -> NotAllowed:
    """What it means that joining this group is refused."""
    return NotAllowed([Missing("group", group, ("READ",))])


def _of_topics(client: KafkaAdminClient, topics: Iterable[Topic]) -> Iterator[Missing]:
    wanted = {topic.name: topic for topic in topics}
    for found in client.describe_topics(list(wanted)):
        topic = wanted[found["name"]]
        lacking = _lacking(client, topic, found)
        if lacking:
            yield Missing("topic", topic.name, lacking)


def _lacking(client: KafkaAdminClient, topic: Topic, found: dict[str, Any]) -> tuple[str, ...]:
    """The operations on a topic that aren't allowed, by what the broker says of it."""
    if found["error_code"] == NOT_ALLOWED:
        return OF_TOPIC[topic.direction]
    if found["error_code"] == 0:
        allowed = found["authorized_operations"]
        return tuple(each for each in OF_TOPIC[topic.direction] if each not in allowed)
    is_new = found["error_code"] == UNKNOWN_TOPIC and topic.direction in ("state", "transfers")
    return ("CREATE",) if is_new and not _may_create(client, topic.name) else ()


def _may_create(client: KafkaAdminClient, name: str) -> bool:
    """Changelog and transfers of a new group are made by its first worker."""
    asked = {name: {"num_partitions": 1, "replication_factor": 1}}
    answers = client.create_topics(asked, validate_only=True, raise_errors=False)["topics"]
    return all(each["error_code"] != NOT_ALLOWED for each in answers)


def _of_group(client: KafkaAdminClient, group: str) -> Iterator[Missing]:
    """Asked by taking out a member that doesn't exist: of a new group the broker doesn't tell what is allowed."""
    try:
        client.remove_group_members(group, [MemberToRemove(member_id="nobody")])
    except GroupAuthorizationFailedError:
        yield Missing("group", group, ("READ",))
    except KafkaError:
        return  # A new cluster has no coordinator yet: joining the group will tell.


def _of_transactions(client: KafkaAdminClient, group: str) -> Iterator[Missing]:
    """DESCRIBE is known beforehand, which WRITE implies; that WRITE itself is missing the first transaction tells."""
    try:
        client.describe_transactions([f"{group}-0"])
    except TransactionalIdAuthorizationFailedError:
        yield Missing("transactional-id", f"{group}-", ("WRITE",))
    except KafkaError as error:
        if isinstance(error, AuthorizationError):
            raise
