"""How far the workers of a group have taken a deployment over, as they tell it at /deployments."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

from streams.errors import BrokerAway, StreamsError
from streams.http.client import answer_of
from streams.kafka.group import standing
from streams.settings.settings import Settings

SECONDS = 3.0
"""A worker has to answer."""
EVERY = 0.2
"""Seconds between two looks."""
RUNNING = "running"


class NotTakenOver(StreamsError):
    """The deployment is written, but not all partitions took it over in time."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """What a partition does about deployments."""

    partition: int
    deployment_id: str | None
    state: str | None
    taken_over: int = 0
    left: int = 0
    filling: str | None = None
    """The deployment whose measures are filled beside it."""
    filled: bool = False
    enters: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)

    def runs(self, deployment_id: str) -> bool:
        """Whether it has taken a deployment over, or one after it."""
        return self.deployment_id == deployment_id and self.state == RUNNING


@dataclass(frozen=True, slots=True)
class Look:
    """The group at one moment."""

    partitions: dict[int, PartitionProgress] = field(default_factory=dict)
    members: int = 0
    silent: tuple[str, ...] = ()
    """Workers that did not answer, or answered as workers do that follow no deployments."""


def look(settings: Settings) -> Look:
    """Ask all workers of the group."""
    try:
        _, members = standing(settings)
    except GroupIdNotFoundError:
        return Look()  # No worker of this group ever ran.
    except BrokerAway as error:
        if not isinstance(error.__cause__, CoordinatorNotAvailableError):
            raise
        return Look()  # A new cluster has no coordinator of groups before the first one.
    found: dict[int, PartitionProgress] = {}
    silent = []
    for where, assigned in members:
        if where is None or not assigned:
            continue
        try:
            answer = answer_of(where, "/deployments", settings.why_token, SECONDS)
            for each in answer["partitions"]:
                found[each["partition"]] = PartitionProgress(
                    each["partition"],
                    each["deployment_id"],
                    each["state"],
                    each["taken_over"],
                    each["left"],
                    each.get("filling"),
                    each.get("filled", False),
                    Counter(each["enters"]),
                    Counter(each["exits"]),
                )
        except (StreamsError, KeyError, TypeError):
            silent.append(where)
    return Look(found, len(members), tuple(silent))


def wait(
    settings: Settings, deployment_id: str, partitions: int, seconds: float, tell: Callable[[str], None]
) -> Look:
    """Until all partitions run a deployment; raises NotTakenOver, with the partitions named, if that takes longer."""
    return _until(
        settings, partitions, seconds,
        lambda each: each.runs(deployment_id),
        lambda now, done: tell(progress(now, done, partitions)),
        lambda now, missing: _late(settings, deployment_id, now, missing, seconds),
    )  # fmt: skip


def wait_filled(
    settings: Settings, filling_id: str, partitions: int, seconds: float, tell: Callable[[str], None]
) -> None:
    """Until all partitions have filled what a record asks for; raises NotTakenOver if that takes longer."""
    nobody = "no worker of the group runs: measures are filled once one does"
    _until(
        settings, partitions, seconds,
        lambda each: each.filling == filling_id and each.filled,
        lambda now, done: tell(f"filled: {done} of {partitions} partitions" if now.members else nobody),
        lambda _now, missing: (
            f"after {seconds:g} seconds these partitions have not filled the measures: "
            f"{', '.join(map(str, missing))}. The filling goes on, and the old rules run: the same deploy "
            "--backfill goes on with it."
        ),
    )  # fmt: skip


def _until(
    settings: Settings,
    partitions: int,
    seconds: float,
    is_done: Callable[[PartitionProgress], bool],
    tell: Callable[[Look, int], None],
    late: Callable[[Look, list[int]], str],
) -> Look:
    """Look at the group until all partitions are done; `tell` is told of how many are, `late` says what is missing."""
    end = time.monotonic() + seconds
    while True:
        now = look(settings)
        done = {number for number, each in now.partitions.items() if is_done(each)}
        missing = [number for number in range(partitions) if number not in done]
        if not missing:
            return now
        tell(now, partitions - len(missing))
        if time.monotonic() >= end:
            raise NotTakenOver(late(now, missing))
        time.sleep(min(EVERY, max(0.0, end - time.monotonic())))


def progress(now: Look, done: int, partitions: int) -> str:
    """How far it is, on one line."""
    if not now.members:
        return "no worker of the group runs: the deployment is taken over once one does"
    left = sum(each.left for each in now.partitions.values())
    more = f", {left:,} customers left" if left else ""
    return f"taken over: {done} of {partitions} partitions{more}"


def _late(settings: Settings, deployment_id: str, now: Look, missing: list[int], seconds: float) -> str:
    where = ", ".join(map(str, missing))
    if not now.members:
        why = f"no worker of the group {settings.group} runs"
    elif now.silent:
        why = f"these workers tell of no deployments: {', '.join(now.silent)}"
    else:
        why = "segments deployments tells how far they are"
    return (
        f"deployment {deployment_id} is written, but after {seconds:g} seconds these partitions do not run it yet: "
        f"{where} ({why})"
    )
