"""The members of a consumer group, as the broker knows them: who owns what, and which rules they hold."""

import logging
import time
from collections.abc import Iterator
from typing import Any

from kafka.errors import KafkaError

from streams.asking import address, rules_of
from streams.connection import admin, require_broker
from streams.errors import StreamsError
from streams.settings import Settings

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds beyond the session time-out in which a member that died is dropped by the group."""


class NoOwner(StreamsError):
    """Nobody serves a partition at the moment."""


class OtherRules(StreamsError):
    """Other members of the group hold other rules."""


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


def require_same_rules(settings: Settings, digest: str) -> None:
    """Two rule sets never run in one group: wait for members with other rules to go, then refuse."""
    deadline = time.monotonic() + settings.session_timeout / 1000 + PATIENCE
    others = _others(settings, digest)
    while others:
        if time.monotonic() > deadline:
            raise OtherRules(
                f"The group {settings.group} runs other rules ({', '.join(others)}; these are {digest}). "
                "Stop all its workers first, then start them with the new rules; or use another SEGMENTS_GROUP."
            )
        log.warning(
            "the group %s still runs other rules (%s): waiting for its workers to stop",
            settings.group,
            others,
        )
        time.sleep(1)
        others = _others(settings, digest)


def _others(settings: Settings, digest: str) -> list[str]:
    held = {rules_of(member["client_id"]) for member in _members(settings)}
    return sorted(each for each in held if each not in (None, digest))


def _members(settings: Settings) -> list[dict[str, Any]]:
    require_broker(settings)
    with admin(settings) as client:
        try:
            found: list[dict[str, Any]] = client.describe_groups([settings.group])[settings.group]["members"]
        except (KafkaError, KeyError):
            return []
    return found


def _assigned(member: dict[str, Any]) -> Iterator[tuple[str, int]]:
    assignment = member.get("member_assignment")
    if isinstance(assignment, dict):
        for each in assignment["assigned_partitions"]:
            yield from ((each["topic"], number) for number in each["partitions"])
