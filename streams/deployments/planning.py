"""A deployment from a folder of rules and the settings: checked, told to, and planned."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from segments.engine import FILLED, Border, EngineSettings, RuleSet, settings_of
from segments.engine import load as load_rules
from segments.language.checking.models import models_read
from segments.language.errors import SegmentsError
from segments.language.loading.source import docstring
from segments.language.zones import FIRST
from segments.plan.borders import fields_of
from segments.plan.ir import FORMAT
from segments.plan.zones import zone_data
from streams.deployments.records import FILL, RULES, Chains, Deployed, packed, unpacked
from streams.errors import StreamsError
from streams.settings.settings import Settings, variable

SETTINGS = {
    "currency": "currency",
    "timezone": "zone",
    "grace": "grace",
    "customer_limit": "customer_limit",
    "customer_bytes": "customer_bytes",
    "required_consent": "required_consent",
    "profile_sources": "profile_sources",
}
"""The settings of a process that decide what flips, and where a deployment has them."""


class FailingStories(StreamsError):
    """Stories of the rules do not come true."""


class SettingsChange(StreamsError):
    """Settings that decide differ from those deployed, and nobody said that they should."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be deployed."""

    ruleset: RuleSet
    plan: bytes
    """As JSON."""
    rules: list[dict[str, Any]]
    """For people."""
    settings: dict[str, Any]
    """As the record has them."""
    models: dict[str, str] = field(default_factory=dict)
    """The models that the rules read, by name, as JSON."""

    @property
    def engine(self) -> EngineSettings:
        """The settings of the engine."""
        return settings_of(self.settings)


def plan(
    settings: Settings,
    folders: Sequence[Path],
    deployed: Deployed | None,
    *,
    stories: bool,
    loaded: RuleSet | None = None,
) -> Planned:
    """What these folders would deploy, with the settings of the environment, and else those deployed.

    `loaded`: the rules of the folders as `segments.engine.load` gave them with the settings of the environment; they
    are loaded again only if those deployed decide otherwise. Raises SegmentsError for rules that the linter refuses,
    FailingStories with one line for each, if they are run.
    """
    decide = deciding(settings, deployed)
    currency, zone_name = decide["currency"], decide["zone"]["name"]
    if loaded is not None and decide == deciding(settings, None):
        ruleset = loaded
    else:
        ruleset = load_rules(
            folders,
            currency,
            zone_name,
            required=decide["required_consent"],
            sources=decide["profile_sources"],
        )
    versions = dict(zip(ruleset.ids, ruleset.versions, strict=True))
    segments = sorted(ruleset.segments, key=lambda each: each.id)
    if not segments:
        raise SegmentsError(f"There is no rule in {', '.join(map(str, folders))}: name a folder of rules.")
    if stories:
        _tell_stories(segments, currency, zone_name)
    rules = [
        {
            "id": each.id,
            "version": versions[each.id],
            "en": each.en,
            "nl": each.nl,
            "docstring": docstring(each),
            "source": Path(each.origin.file).read_text(encoding="utf-8"),
            "file": Path(each.origin.file).name,
        }
        for each in segments
    ]
    models = {name: each.content for name, each in sorted(models_read(segments).items())}
    return Planned(ruleset, ruleset.data.to_bytes(), rules, decide, models)


def _tell_stories(segments: Sequence[Any], currency: str, zone_name: str) -> None:
    from segments.insight.proving import (
        engine,
        failures,
    )  # not above: a worker tells no stories when it starts

    failing = [str(error) for each in segments for error in failures(each, engine, currency, zone_name)]
    if failing:
        raise FailingStories("\n".join([*failing, "Nothing was written: mend the rules, or their stories."]))


def deciding(settings: Settings, deployed: Deployed | None) -> dict[str, Any]:
    """The settings that decide, as the record has them: those that the environment sets, else those deployed."""
    set_here = settings.model_fields_set if deployed is not None else set(SETTINGS)
    before = deployed.settings if deployed is not None else {}
    found: dict[str, Any] = {}
    for name, there in SETTINGS.items():
        value = getattr(settings, name)
        if name not in set_here:
            found[there] = before[there]
        elif there == "zone":
            found[there] = zone(value)
        else:
            found[there] = list(value) if isinstance(value, tuple) else value
    return found


def zone(name: str) -> dict[str, Any]:
    """A time zone as the record has it: its offsets in seconds, each with the instant from which it holds."""
    found = zone_data(name)
    changes = [(1000 * FIRST, found.offset), *found.changes]
    return {"name": name, "transitions": [{"at": at, "offset": ahead // 1000} for at, ahead in changes]}


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Which settings differ, each with its variable, what is deployed and what would be."""
    return [
        {"setting": variable(name), "deployed": _shown(before[field]), "new": _shown(now[field])}
        for name, field in SETTINGS.items()
        if before[field] != now[field]
    ]


def _shown(value: Any) -> Any:
    return value["name"] if isinstance(value, dict) else value


def is_same(planned: Planned, deployed: Deployed) -> bool:
    """Whether this is what a deployment has, its words for people included."""
    return (
        planned.plan == deployed.plan
        and planned.settings == dict(deployed.settings)
        and planned.rules == deployed.rules
    )


def record(
    settings: Settings,
    planned: Planned,
    chains: Chains,
    now: int,
    note: str,
    *,
    at_once: bool,
    new_borders: Sequence[Border] = (),
) -> dict[str, Any]:
    """The record to be written, as partition 0 has it; `now` is the wall clock. What is published stays so."""
    last = chains.last
    return {
        "deployment_id": new_id(now),
        "group": settings.group,
        "follows": None if last is None else last.id,
        "occurred_at": 0 if at_once else now,
        "kind": RULES,
        "plan": packed(planned.plan),
        "plan_format": FORMAT,
        "rules": packed(json.dumps(planned.rules, ensure_ascii=False).encode()),
        "settings": planned.settings,
        "borders": [*([] if last is None else last.fields["borders"]), *map(fields_of, new_borders)],
        "models": planned.models,
        "note": note,
    }


def filling(made: Mapping[str, Any], measures: bytes) -> dict[str, Any]:
    """The record that asks for measures, a plan as JSON, to be filled before a record brings its rules."""
    return {
        **made,
        "deployment_id": made["deployment_id"] + FILLED,
        "kind": FILL,
        "plan": packed(measures),
    }


def fills(asked: Deployed, made: Mapping[str, Any]) -> bool:
    """Whether a record asks for the very filling that another one, not written yet, does."""
    names = ("plan", "rules")
    same = all(unpacked(asked.fields[name]) == unpacked(made[name]) for name in names)
    return same and dict(asked.settings) == dict(made["settings"])


def again(settings: Settings, earlier: Deployed, chains: Chains, now: int, note: str) -> dict[str, Any]:
    """The record that deploys an earlier one again, at once; `now` is the wall clock."""
    last = chains.last
    return {
        **earlier.fields,
        "deployment_id": new_id(now),
        "group": settings.group,
        "follows": None if last is None else last.id,
        "occurred_at": 0,
        "note": note or f"rollback to {earlier.id}",
    }


def new_id(now: int) -> str:
    """An id that nobody has: the time, for people, and a random part."""
    return f"{datetime.fromtimestamp(now // 1000, UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:8]}"
