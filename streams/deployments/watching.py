"""How far the workers of a group have taken a deployment over, as they tell it at /deployments."""

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError

from streams.errors import BrokerAway, StreamsError
from streams.http.client import answer_of
from streams.kafka.group import standing
from streams.settings.settings import Settings

SECONDS = 3.0
"""A worker has to answer."""
EVERY = 0.1
"""Seconds between two looks."""
MEMBERS_EVERY = 2.0
"""Seconds for which the broker's list of workers counts if all of them answer: it costs ten times their answers."""
READ_EVERY = 5.0
"""Seconds between two readings of the deployments, which cost more than a look."""
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

    def runs(self, ids: Collection[str]) -> bool:
        """Whether it has taken one of these deployments over: the one that is waited for, and those after it."""
        return self.deployment_id in ids and self.state == RUNNING


@dataclass(frozen=True, slots=True)
class Look:
    """The group at one moment."""

    partitions: dict[int, PartitionProgress] = field(default_factory=dict)
    members: int = 0
    silent: tuple[str, ...] = ()
    """Workers that did not answer, or answered as workers do that follow no deployments."""
    asked: tuple[str, ...] = ()
    """The addresses of those that own partitions."""
    listed_at: float = 0.0
    """When the broker was asked for them, on the monotonic clock."""

    def still_counts(self, now: float) -> bool:
        """Whether the same workers can be asked again."""
        return bool(self.partitions) and not self.silent and now < self.listed_at + MEMBERS_EVERY


def look(settings: Settings, before: Look | None = None) -> Look:
    """Ask all workers of the group: those of the look before, while that counts."""
    now = time.monotonic()
    if before is not None and before.still_counts(now):
        return _asked(settings, before.members, before.asked, before.listed_at)
    try:
        _, members = standing(settings)
    except GroupIdNotFoundError:
        return Look()  # No worker of this group ever ran.
    except BrokerAway as error:
        if not isinstance(error.__cause__, CoordinatorNotAvailableError):
            raise
        return Look()  # A new cluster has no coordinator of groups before the first one.
    owning = tuple(where for where, assigned in members if where is not None and assigned)
    return _asked(settings, len(members), owning, now)


def _asked(settings: Settings, members: int, owning: tuple[str, ...], listed_at: float) -> Look:
    found: dict[int, PartitionProgress] = {}
    silent = []
    for where in owning:
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
    return Look(found, members, tuple(silent), owning, listed_at)


def wait(
    settings: Settings,
    deployment_id: str,
    partitions: int,
    seconds: float,
    tell: Callable[[str], None],
    later: Callable[[], Collection[str]],
) -> Look:
    """Until all partitions run a deployment; raises NotTakenOver, with the partitions named, if that takes longer.

    `later` gives the ids of what was deployed after it: a partition may have gone on to one of them already.
    """
    wanted = {deployment_id}
    return _until(
        settings, partitions, seconds,
        lambda: wanted.update(later()),
        lambda each: each.runs(wanted),
        lambda now, done: tell(progress(now, done, partitions, deployment_id)),
        lambda now, missing: _late(settings, deployment_id, now, missing, seconds),
    )  # fmt: skip


def wait_filled(
    settings: Settings,
    filling_id: str,
    partitions: int,
    seconds: float,
    tell: Callable[[str], None],
    require_wanted: Callable[[], object],
) -> None:
    """Until all partitions have filled what a record asks for; raises NotTakenOver if that takes longer.

    `require_wanted` raises if another rule set was deployed meanwhile, which ends the filling.
    """
    nobody = "no worker of the group runs: measures are filled once one does"
    _until(
        settings, partitions, seconds, require_wanted,
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
    read: Callable[[], object],
    is_done: Callable[[PartitionProgress], bool],
    tell: Callable[[Look, int], None],
    late: Callable[[Look, list[int]], str],
) -> Look:
    """Look at the group until all partitions are done; `tell` is told of how many are, `late` says what is missing.

    `read` looks into the log, every few seconds and once more at the end.
    """
    end, read_at = time.monotonic() + seconds, time.monotonic()
    now: Look | None = None
    while True:
        now, at = look(settings, now), time.monotonic()
        if at >= min(end, read_at + READ_EVERY):
            read_at = at
            read()
        done = {number for number, each in now.partitions.items() if is_done(each)}
        missing = [number for number in range(partitions) if number not in done]
        if not missing:
            return now
        tell(now, partitions - len(missing))
        if at >= end:
            raise NotTakenOver(late(now, missing))
        time.sleep(min(EVERY, max(0.0, end - time.monotonic())))


def progress(now: Look, done: int, partitions: int, deployment_id: str) -> str:
    """How far it is, on one line: partitions, customers, and the flips of each rule so far."""
    if not now.members:
        return "no worker of the group runs: the deployment is taken over once one does"
    begun = [each for each in now.partitions.values() if each.deployment_id == deployment_id]
    counts = {
        "customers taken over": sum(each.taken_over for each in begun),
        "left": sum(each.left for each in begun),
    }
    told = [f"{done} of {partitions} partitions"]
    told += [f"{count:,} {what}" for what, count in counts.items() if count]
    enters = sum((each.enters for each in begun), Counter[str]())
    exits = sum((each.exits for each in begun), Counter[str]())
    for name in sorted({*enters, *exits}):
        told.append(f"{name} {enters[name]:,} entered and {exits[name]:,} left")
    return f"taken over: {', '.join(told)}"


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
