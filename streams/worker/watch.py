"""Watches a worker: whether the group lets it in, whether its logins are refused, whether its topics still fit.

What passes is said and waited for; what does not, or not within a limit, ends the worker with the reason. `/readyz` and
`/healthz` tell the problem for as long as it lasts.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from segments.engine import INPUTS
from streams.errors import LoginRefused, StreamsError
from streams.http.client import answer_of
from streams.kafka.group import holder
from streams.kafka.offsets import Offsets
from streams.kafka.permissions import group_refused
from streams.settings.settings import Settings
from streams.transport import BatchApp, logins
from streams.worker.owners import Owners

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between two looks; a member that ran into an error waits for the next one before it tries again."""

SAY_AGAIN = 10.0
"""Seconds before a problem that lasts is logged again."""

JOIN_SECONDS = 60.0
"""For which a worker tries to join. A stranger in the group may end, and a broker be configured anew, in less; whoever
supervises the worker learns after it that a person is needed."""

ANSWER_SECONDS = 2.0
"""In which a worker that lives answers; one that hangs, or is paused, accepts connections and says nothing."""

MENDS = {
    "FencedInstanceIdError": "",
    "GroupAuthorizationFailedError": "",
    "InconsistentGroupProtocolError": (
        "another program is in this group, with another way to share partitions: stop it, or give the workers "
        "another SEGMENTS_GROUP"
    ),
    "InvalidSessionTimeoutError": (
        "the broker allows no such SEGMENTS_SESSION_TIMEOUT: see its group.min.session.timeout.ms and "
        "group.max.session.timeout.ms"
    ),
    "GroupMaxSizeReachedError": "the group has as many members as the broker's group.max.size allows",
    "InvalidGroupIdError": "the broker takes no such SEGMENTS_GROUP",
}
"""What to do about an error of the membership, by its name: of some errors aiokafka keeps only the name."""


class CannotJoin(StreamsError):
    """The group does not let the worker in."""


class NameTaken(StreamsError):
    """Another worker has the static name of this one."""

    def __init__(self, name: str, group: str, where: str = "") -> None:
        """Name the static id, and the address of the other worker if it is known."""
        at = f" (it answers at {where})" if where else ""
        super().__init__(
            f"another worker of the group {group} has the name {name}{at}: give each worker a SEGMENTS_WORKER_NAME of "
            "its own, or stop one of the two"
        )


def require_name(settings: Settings) -> None:
    """Raise NameTaken if a worker with this static name lives; one that died is on the group's list for a while.

    Whoever joins takes a static name from its holder. So two workers of one name that a supervisor starts again and
    again would end one another for ever; it is the later one that must not start.
    """
    if settings.worker_name is None or (where := holder(settings, settings.worker_name)) is None:
        return
    try:
        answer_of(where, "/healthz", None, ANSWER_SECONDS)
    except StreamsError:
        return
    raise NameTaken(settings.worker_name, settings.group, where)


@dataclass(slots=True)
class Watch:
    """Looks every second, from before the worker joins until it ends."""

    app: BatchApp
    owners: Owners
    offsets: Offsets
    settings: Settings
    count: int
    _since: float = 0.0
    """When the current series of errors began, on the monotonic clock; 0 if there is none."""
    _said_at: float = float("-inf")

    async def run(self) -> None:
        """Watch until the worker must end, and tell the application the reason."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._look()
            except StreamsError as error:
                self.owners.problem, self.owners.ending = str(error), True
                await self.app.crash(error)
                return

    async def _look(self) -> None:
        if logins.refused is not None:
            raise LoginRefused(
                self.settings.brokers,
                f"{logins.refused}: see SEGMENTS_SASL_USERNAME, SEGMENTS_SASL_PASSWORD_FILE and SEGMENTS_TLS_CERT_FILE",
            )
        if (problem := added(self.offsets.counts(INPUTS), self.count)) is not None:
            if self.owners.problem != problem:
                log.error("%s", problem)
            await self.owners.halt(problem)
            return
        error = await self.app.group_error()
        if error is not None:
            self._failed(str(error) or type(error).__name__, retriable=error.retriable)
        elif self.owners.assigned:
            self._since, self.owners.problem = 0.0, None

    def _failed(self, said: str, *, retriable: bool) -> None:
        """Raise the error, or log it and try again."""
        name = next((each for each in MENDS if each in said), "")
        if name == "FencedInstanceIdError":
            raise NameTaken(self.settings.worker_name or "", self.settings.group)
        if name == "GroupAuthorizationFailedError":
            raise group_refused(self.settings.group)
        now = time.monotonic()
        self._since = self._since or now
        problem = f"the group {self.settings.group} does not let this worker in: {MENDS.get(name) or said}"
        if now - self._since > JOIN_SECONDS and not retriable:
            raise CannotJoin(f"{problem}; given up after {JOIN_SECONDS:.0f} seconds")
        self.owners.problem = problem
        if now - self._said_at >= SAY_AGAIN:
            log.warning("%s; trying again", problem)
            self._said_at = now


def added(counts: Mapping[str, int], count: int) -> str | None:
    """Say what to do if the number of partitions of an input differs from that at the start; None if none does."""
    differing = {topic: found for topic, found in counts.items() if found != count}
    if not differing:
        return None
    now = ", ".join(f"{topic} {found}" for topic, found in sorted(differing.items()))
    return (
        f"the inputs had {count} partitions each when this worker started, and now differ ({now}): customers would "
        "move between partitions, so nothing is taken in. Kafka takes no partition away: stop the producers, then all "
        "workers, and move as deploy/operations.md says under More partitions"
    )
