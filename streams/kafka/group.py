"""The members of a consumer group, as the broker knows them: who owns what, and which rules they hold."""

import logging
import time
from collections.abc import Iterator
from typing import Any

from kafka.errors import AuthorizationError, KafkaError

from streams.errors import StreamsError
from streams.kafka.client_id import address, plans_of, rules_of
from streams.kafka.connection import admin
from streams.kafka.reachable import refusal
from streams.settings.settings import Settings

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds beyond the session time-out within which the group drops a member that died."""


class NoOwner(StreamsError):
    """Nobody serves a partition at the moment."""


class StillRunning(StreamsError):
    """Workers of the group run."""


class UnreadableByWorkers(StreamsError):
    """Workers of the group would end at a deployment, since they can't read its plan."""


def owner(settings: Settings, topic: str, partition: int) -> str:
    """The address, host:port, of the worker that owns a partition of a topic; NoOwner if there is none."""
    for member in _members(settings):
        where = address(member["client_id"])
        if where is not None and (topic, partition) in _assigned(member):
            return where
    raise NoOwner(
        f"No worker of the group {settings.group} serves partition {partition} at the moment: "
        "start one (segments worker), or wait until a rebalance is over."
    )


def owners(settings: Settings, topic: str) -> dict[int, str]:
    """For each partition of a topic that is served the address, host:port, of the worker that owns it."""
    return {
        number: where
        for member in _members(settings)
        if (where := address(member["client_id"])) is not None
        for name, number in _assigned(member)
        if name == topic
    }


def holder(settings: Settings, name: str) -> str | None:
    """The address, host:port, that the member with a static name announces; None if there is no such worker."""
    for member in _members(settings):
        if member.get("group_instance_id") == name:
            return address(member["client_id"])
    return None


def workers(settings: Settings, digest: str | None) -> list[str]:
    """The addresses of the group's workers that hold these rules (None: any) and own partitions.

    A member without a partition answers for nothing, so it is not asked, nor shown the token.
    """
    found = [each["client_id"] for each in _members(settings) if any(_assigned(each))]
    asked = [each for each in found if digest is None or rules_of(each) == digest]
    return [where for each in asked if (where := address(each)) is not None]


def standing(settings: Settings) -> tuple[bool, list[tuple[str | None, list[tuple[str, int]]]]]:
    """Whether there is such a group, members or not; and for each member its address and what it is assigned."""
    with admin(settings) as client:
        found = client.describe_groups([settings.group])[settings.group]
    members = [(address(each["client_id"]), list(_assigned(each))) for each in found["members"]]
    return found.get("state", found.get("group_state")) not in (None, "Dead"), members


def require_readers(settings: Settings, plan_format: int) -> None:
    """Refuse plans of a format that a running worker of the group has not announced; raises UnreadableByWorkers."""
    workers = [each["client_id"] for each in _members(settings) if address(each["client_id"]) is not None]
    unable = [each for each in workers if (plans_of(each) or 0) < plan_format]
    if unable:
        raise UnreadableByWorkers(
            f"plans have the format {plan_format} here, and workers of the group {settings.group} have not announced "
            f"that they read it: {', '.join(sorted(filter(None, map(address, unable))))}. Nothing was written: update "
            "these workers first, or deploy with their version."
        )


def require_stopped(settings: Settings) -> None:
    """Make sure that nobody else writes to the group's state: wait for members that just stopped, then refuse."""
    deadline = time.monotonic() + settings.session_timeout / 1000 + PATIENCE
    while members := _members(settings):
        if time.monotonic() > deadline or any(_answers(address(each["client_id"])) for each in members):
            raise StillRunning(
                f"{len(members)} workers of the group {settings.group} run: stop all of them first, then call again."
            )
        time.sleep(1)


def _answers(where: str | None) -> bool:
    """Whether a worker still runs, rather than being on the group's list until its session ends."""
    return where is not None and refusal(where, PATIENCE) is None


def _members(settings: Settings) -> list[dict[str, Any]]:
    with admin(settings) as client:
        try:
            found: list[dict[str, Any]] = client.describe_groups([settings.group])[settings.group]["members"]
        except AuthorizationError:
            raise  # A client without permission to see the members must not conclude that there are none.
        except (KafkaError, KeyError):
            return []
    return found


def _assigned(member: dict[str, Any]) -> Iterator[tuple[str, int]]:
    assignment = member.get("member_assignment")
    if isinstance(assignment, dict):
        for each in assignment["assigned_partitions"]:
            yield from ((each["topic"], number) for number in each["partitions"])
