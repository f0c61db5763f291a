"""What `segments deploy` found and did: as one object, and in words."""

from dataclasses import dataclass, field
from typing import Any

from segments.engine import Border
from streams.cli.going_live import tell_lines
from streams.deployments.changes import Changes
from streams.deployments.counting import Counted
from streams.deployments.new_borders import NewBorder


@dataclass(slots=True)
class Report:
    """What was found and done."""

    changes: Changes
    counted: Counted | None = None
    foreseen: dict[str, Any] | None = None
    """By the history, of a dry run."""
    borders: list[NewBorder] = field(default_factory=list)
    """Those that were not published before."""
    deployment_id: str | None = None
    flips: dict[str, dict[str, int]] | None = None
    partitions: list[dict[str, Any]] | None = None

    @property
    def new_borders(self) -> list[Border]:
        """Those to be published."""
        return [each.border for each in self.borders if each.border is not None]

    def as_json(self) -> dict[str, Any]:
        """As one object."""
        moved = self.foreseen or (
            self.counted
            and {
                "customers": self.counted.customers,
                "members": dict(self.counted.members),
                "enters": dict(self.counted.enters),
                "exits": dict(self.counted.exits),
                "unknown": list(self.counted.unknown),
            }
        )
        return {
            "deployment_id": self.deployment_id,
            "written": self.deployment_id is not None,
            "changes": self.changes.as_json(),
            "would_move": moved,
            "borders": [each.as_json() for each in self.borders],
            "flips": self.flips,
            "partitions": self.partitions,
        }


def settings_change(found: Changes) -> str:
    """Why nothing is written, and what to say."""
    lines = [
        f"{each['setting']}: {each['deployed']} is deployed, {each['new']} is set here"
        for each in found.settings
    ]
    return "\n".join([*lines, "Say --settings to change them; unset a variable to keep what is deployed."])


def tell_counted(counted: Counted, *, as_json: bool) -> None:
    """Who would flip, a line for each rule."""
    if as_json:
        return
    for name in sorted({*counted.enters, *counted.exits} - set(counted.unknown)):
        enters, exits = counted.enters[name], counted.exits[name]
        tell_lines(
            f"  {name}: {enters:,} would enter and {exits:,} leave; {counted.members[name]:,} are in it"
        )
    for name in counted.unknown:
        tell_lines(f"  {name}: who would flip is unknown, since its measures are not kept yet")
