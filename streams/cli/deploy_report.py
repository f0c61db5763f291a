"""What `segments deploy` found and did: as one object, and in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from segments.engine import Border
from segments.language.words.sentence import Language
from streams.cli.going_live import tell_lines
from streams.deployments.changes import Changes, told
from streams.deployments.counting import Counted
from streams.deployments.new_borders import NewBorder
from streams.deployments.records import Chains


@dataclass(slots=True)
class Report:
    """What was found and done."""

    changes: Changes
    counted: Counted | None = None
    foreseen: dict[str, Any] | None = None
    """By the history, of a dry run."""
    borders: list[NewBorder] = field(default_factory=list)
    """Those that were not published before."""
    is_filled: bool = False
    """Whether measures were filled for it."""
    exact_from: dict[str, str] = field(default_factory=dict)
    """Rules of which the history has not the whole window, each with the instant from which on it is exact."""
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
            "exact_from": self.exact_from,
        }


def what_changes(report: Report, chains: Chains, to_fill: Sequence[str], language: Language) -> Iterator[str]:
    """What would be written, a line each, and why if the rules are those deployed; `to_fill`: measures to be filled."""
    running = report.changes.deployed
    if report.changes.same and running is not None and (chains.lacking or to_fill):
        yield f"the rules and settings are those of {running.id}"
    else:
        yield from told(report.changes, language, filled=bool(to_fill))
    if running is not None and chains.lacking:
        lacking = ", ".join(map(str, chains.lacking))
        yield f"  written again, since partitions that were added later do not have it: {lacking}"
    for each in to_fill:
        yield f"  to be filled: {each}"


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
