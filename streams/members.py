"""Who owns which partition: the members of the group, as the broker knows them."""

from kafka.errors import KafkaError

from streams.asking import address
from streams.connection import admin, require_broker
from streams.errors import StreamsError
from streams.settings import Settings


class NoOwner(StreamsError):  # noqa: N818 - says what is wrong
    """Nobody serves a partition at the moment."""


def owner(settings: Settings, topic: str, partition: int) -> str:
    """The address, host:port, of the worker that owns a partition of a topic; NoOwner if there is none."""
    require_broker(settings)
    with admin(settings) as client:
        try:
            group = client.describe_groups([settings.group])[settings.group]
        except (KafkaError, KeyError) as error:
            raise NoOwner(f"The group {settings.group} is not known: {error}. Is a worker running?") from error
    for member in group["members"]:
        assigned = member.get("member_assignment") or {}
        for each, partitions in _assigned(assigned):
            if each == topic and partition in partitions:
                found = address(member["client_id"])
                if found is not None:
                    return found
    raise NoOwner(
        f"No worker of the group {settings.group} serves partition {partition} at the moment: "
        "start one (segments worker), or wait until a rebalance is over."
    )


def _assigned(assignment: object) -> list[tuple[str, list[int]]]:
    found = assignment.get("assigned_partitions", []) if isinstance(assignment, dict) else []
    return [(each["topic"], list(each["partitions"])) if isinstance(each, dict) else (each[0], list(each[1])) for each in found]
