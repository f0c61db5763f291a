"""Adds to aiokafka's group member: it tells why it cannot join, and notices that its static name was taken.

aiokafka stops its coordination at an error until somebody asks for it, and a worker that never joined asks for nothing.
A static member that is displaced by another one of its name joins again as if it were new, and displaces the other.
"""

# ruff: noqa: SLF001  aiokafka has no public way to the errors of a membership

from collections.abc import Awaitable, Callable
from typing import Any

import aiokafka.errors
from aiokafka.errors import BrokerResponseError, KafkaError


class FencedInstanceIdError(BrokerResponseError):  # type: ignore[misc]  # aiokafka has no types
    """Another member of the group has this static name now; aiokafka 0.14 does not know the code."""

    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "Another member of the group has the same group.instance.id."


class GroupMaxSizeReachedError(BrokerResponseError):  # type: ignore[misc]  # as above
    """The group has as many members as the broker allows; aiokafka 0.14 does not know the code."""

    errno = 81
    message = "GROUP_MAX_SIZE_REACHED"
    description = "The group has reached its maximum size."


for _known in (FencedInstanceIdError, GroupMaxSizeReachedError):
    aiokafka.errors.kafka_errors[_known.errno] = _known


def error_of(coordinator: Any) -> KafkaError | None:
    """Return the error of the coordination since the last call. The call lets the coordination try again.

    Some errors come as a `KafkaError` with the representation of another one as text, as aiokafka wraps them.
    """
    try:
        coordinator.check_errors()
    except KafkaError as error:
        return error
    return None


def keep_name(coordinator: Any) -> None:
    """Let a static member whose membership ended join again under its old member id first.

    If another one of its name has joined meanwhile, the broker refuses that (FENCED_INSTANCE_ID); with no member id it
    would displace the other. A broker that has merely forgotten the member says so, and the next attempt is a new one.
    """
    forget: Callable[[], None] = coordinator.reset_generation
    heartbeat: Callable[[], Awaitable[bool]] = coordinator._do_heartbeat

    def reset() -> None:
        if coordinator.generation <= 0:
            forget()
        else:
            coordinator.generation = -1
            coordinator.request_rejoin()

    async def beat() -> bool:
        """Not while it has no generation: the broker's answer would be taken for that to joining again."""
        return coordinator.generation > 0 and await heartbeat()

    coordinator.reset_generation = reset
    coordinator._do_heartbeat = beat
