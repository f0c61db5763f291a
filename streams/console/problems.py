"""What is wrong right now, by what the workers and the topics tell, each with its mend."""

from dataclasses import dataclass, field
from typing import Any

from streams.console.console import Console

BEHIND = 60_000
"""Milliseconds by which the clock of a partition may stay behind while records wait."""

Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """What the workers and the topics tell."""

    at: int
    lag: list[Line] = field(default_factory=list)
    clock: list[Line] = field(default_factory=list)
    timers: list[Line] = field(default_factory=list)
    workers: list[Line] = field(default_factory=list)
    deployments: list[Line] = field(default_factory=list)
    letters: list[Line] = field(default_factory=list)


def problems_of(console: Console, health: Health) -> list[Line]:
    """What is wrong right now, each with a name and the values of its words; empty: nothing is."""
    found: list[Line] = []

    def add(name: str, **values: Any) -> None:
        found.append({"problem": name, "values": values})

    if console.progress.problem is not None:
        add("console", problem=console.progress.problem)
    if not health.workers:
        add("no_worker")
    elif unserved := ", ".join(map(str, console.unserved)):
        add("unserved", partitions=unserved)
    if silent := [line["worker"] for line in health.workers if not line["answers"]]:
        add("silent", workers=", ".join(silent))
    if len({line["version"] for line in health.workers if line["answers"]}) > 1:
        add("versions")
    waiting = {line["state"] for line in health.deployments} & {"waiting"}
    if waiting:
        numbers = sorted({line["partition"] for line in health.deployments if line["state"] == "waiting"})
        add("waiting", partitions=", ".join(map(str, numbers)))
    if behind := sorted(
        {
            line["partition"]
            for line in health.clock
            if health.at - line["at"] > BEHIND and _lags(health, line["partition"])
        }
    ):
        add("behind", partitions=", ".join(map(str, behind)))
    if refused := sum(line["recent"] for line in health.letters):
        add("dead_letters", count=refused)
    return found


def _lags(health: Health, partition: int) -> bool:
    return any(line["records"] for line in health.lag if line["partition"] == partition)


PROBLEMS = {
    "console": "These numbers may be old: {problem}",
    "no_worker": "No worker of the group runs: start one (segments worker).",
    "unserved": "Nobody serves partitions {partitions}: customers there do not move. Start a worker.",
    "silent": "Workers that do not answer: {workers}. Look at their logs, or start them again.",
    "versions": "Workers run different versions: end the update, or start the others again.",
    "waiting": "Partitions {partitions} wait for rules: deploy some (segments deploy).",
    "behind": "Partitions {partitions} are more than a minute behind: wait until they caught up, or add a worker.",
    "dead_letters": "Records refused within 24 hours: {count}. `segments dead-letters` shows them.",
}
"""What is wrong, and the mend."""


def names_of(problems: list[Line]) -> str:
    """What is wrong, as one text that is another one when something else is."""
    return ", ".join(each["problem"] for each in problems)
