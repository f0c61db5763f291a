"""What a deployment changes: rules, settings, and measures that start without a past."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from segments.engine import PlannedRules, RuleSet
from segments.language.words.sentence import Language
from segments.plan import ir
from streams.deployments.planning import Planned, changed_settings, is_same
from streams.deployments.records import Deployed

SIGNS = {"added": "+", "removed": "-", "changed": "~", "reworded": "="}
DAY = 86_400_000
"""Milliseconds."""
MEANINGS = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "reworded": "the same meaning, other words",
}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """What becomes of one rule."""

    id: str
    kind: str
    """`added`, `removed`, `changed` (another version), `reworded` (the same version)."""
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    new_measures: tuple[str, ...] = ()
    """Measures of it that the group does not keep: they know events from the take-over on."""

    def lines(self) -> Iterator[str]:
        """The source, as a unified diff."""
        before, after = (
            str((each or {}).get("source", "")).splitlines() for each in (self.before, self.after)
        )
        yield from difflib.unified_diff(before, after, "deployed", "new", lineterm="")

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "id": self.id,
            "change": self.kind,
            "version": None if self.after is None else self.after["version"],
            "deployed_version": None if self.before is None else self.before["version"],
            "new_measures": list(self.new_measures),
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from what is deployed."""

    deployed: Deployed | None
    rules: tuple[RuleChange, ...] = ()
    settings: tuple[Mapping[str, Any], ...] = ()
    dropped: tuple[str, ...] = ()
    """Measures that no rule needs any more: they are kept for seven days."""
    retention: tuple[int, int] | None = None
    """Milliseconds that the deployed rules look back, and the new ones, if that differs."""
    same: bool = field(default=False)
    """Whether the two are the same to the last word."""

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "deployed": None if self.deployed is None else self.deployed.id,
            "same": self.same,
            "rules": [each.as_json() for each in self.rules],
            "settings": [dict(each) for each in self.settings],
            "dropped_measures": list(self.dropped),
        }


def changes(planned: Planned, deployed: Deployed | None, known: Collection[str] = ()) -> Changes:
    """What this would change; `known` are measures that the group keeps beside those of the deployed rules."""
    before = {} if deployed is None else {each["id"]: each for each in deployed.rules}
    after = {each["id"]: each for each in planned.rules}
    deployed_measures = () if deployed is None else deployed.planned.data.measures
    kept = {*deployed_measures, *known}
    found = []
    for name in sorted({*before, *after}):
        kind = _kind(before.get(name), after.get(name))
        if kind is not None:
            new = tuple(each for each in measures_of(planned.ruleset, name) if each not in kept)
            found.append(RuleChange(name, kind, before.get(name), after.get(name), new))
    if deployed is None:
        return Changes(None, tuple(found))
    wanted, spans = (
        planned.ruleset.data.measures,
        (deployed.planned.data.retention, planned.ruleset.data.retention),
    )
    return Changes(
        deployed,
        tuple(found),
        tuple(changed_settings(deployed.settings, planned.settings)),
        tuple(each for each in deployed_measures if each not in wanted),
        None if spans[0] == spans[1] else spans,
        is_same(planned, deployed),
    )


def _kind(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str | None:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    if before["version"] != after["version"]:
        return "changed"
    return None if before == after else "reworded"


def measures_of(rules: RuleSet | PlannedRules, name: str) -> tuple[str, ...]:
    """The measures that a rule reads, ascending; none of a rule that is not there."""
    plan = rules.data
    asked: list[ir.Measured] = []
    for rule in plan.rules:
        if rule.id == name:
            asked += [each for leaf in rule.leaves for each in ir.measured_in(plan.leaves[leaf].asked)]
            asked += [detail.asked for detail in rule.details]
    return tuple(sorted({plan.measures[each.known] for each in asked}))


def told(
    found: Changes, language: Language = "en", *, markdown: bool = False, filled: bool = False
) -> Iterator[str]:
    """In words, a line each, with titles in this language; the sources of changed rules as diffs.

    `filled`: new measures are filled from history, so that they do not know events from the take-over on only.
    """
    if found.deployed is None:
        yield "nothing is deployed yet: all rules are new"
    elif found.same:
        yield f"nothing would change: {found.deployed.id} is deployed"
        return
    else:
        yield f"compared with {found.deployed.id}{_note(found.deployed)}:"
    if markdown:
        yield ""
    for each in found.rules:
        yield from _rule(replace(each, new_measures=()) if filled else each, language, markdown=markdown)
    for setting in found.settings:
        yield f"{'- ' if markdown else '  '}{setting['setting']}: {setting['deployed']} becomes {setting['new']}"
    if found.retention is not None:
        before, after = (f"{each / DAY:g} days" for each in found.retention)
        yield f"{'- ' if markdown else '  '}the rules look back {after} rather than {before}"
    for measure in found.dropped:
        yield f"{'- ' if markdown else '  '}kept for seven days, then forgotten: {measure}"


def _note(deployed: Deployed) -> str:
    return f" ({deployed.fields['note']})" if deployed.fields["note"] else ""


def _rule(change: RuleChange, language: Language, *, markdown: bool) -> Iterator[str]:
    title = (change.after or change.before or {})[language]
    if markdown:
        yield f"- **{change.id}** ({title}): {MEANINGS[change.kind]}"
    else:
        yield f"{SIGNS[change.kind]} {change.id} ({title}): {MEANINGS[change.kind]}"
    for measure in change.new_measures:
        yield f"    knows events from the take-over on: {measure}"
    lines = list(change.lines()) if change.kind in ("changed", "reworded") else []
    if lines and markdown:
        yield from ("", "  ```diff", *(f"  {line}" for line in lines), "  ```", "")
    else:
        yield from (f"    {line}" for line in lines)
