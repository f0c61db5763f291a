"""Deployments in a log of lines: a line names a folder of rules, or has the plan, as `segments consume` prints it."""

import base64
import binascii
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import cramjam

from segments.engine import RULES, Chain, Deployment, EngineSettings, RuleSet, deployment_of, load
from segments.insight.plain import EventError, instant

FIELDS = (
    *("deployment_id", "group", "follows", "occurred_at", "kind", "plan", "plan_format", "rules", "settings"),
    *("borders", "models", "note", "rules_from"),
)
"""Of a line: those of the record, and `rules_from`."""
NUMBERS = ("grace", "customer_limit", "customer_bytes")
"""The settings of a deployment that are whole numbers."""
DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,8})?")
"""The value of a border: no more digits than the engine compares exactly."""


@dataclass(slots=True)
class Deploying:
    """The deployments of one group, as the lines of a log tell them, by partition."""

    group: str
    settings: EngineSettings
    """Of a line that tells none of its own."""
    required: str = ""
    """The required consent of such a line; empty: none."""
    zone: str = "UTC"
    """The time zone of such a line, by its IANA name."""
    sources: tuple[str, ...] = ()
    """The profile sources of such a line."""
    others: int = 0
    """Lines of other groups, which are passed over."""
    _found: dict[int, list[Deployment]] = field(default_factory=dict)
    _chains: dict[int, Chain] = field(default_factory=dict)
    _loaded: dict[tuple[Path, str, str, str, tuple[str, ...]], RuleSet] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything was deployed for the group."""
        return bool(self._found)

    def add(
        self,
        fields: Mapping[str, Any],
        offsets: Mapping[int, int],
        timestamp: int | None = None,
        beside: Path | None = None,
    ) -> None:
        """Take in a line: a record in each of these partitions, at these offsets.

        `timestamp` is the Kafka timestamp in milliseconds; None: it was taken in when it occurred. A folder is looked
        for from the working directory, then from `beside`. Raises EventError, and RuleError for wrong rules.
        """
        _check(fields)
        if fields.get("group", self.group) != self.group:
            self.others += 1
            return
        told = self._fields(fields)
        rules, wrong = self._rules(fields, told["settings"], beside), None
        if isinstance(rules, str):
            rules, wrong = None, rules
        for number, offset in offsets.items():
            chain = self._chains.setdefault(number, Chain())
            given = {"follows": chain.last} | told
            taken_in = told["occurred_at"] if timestamp is None else timestamp
            made = deployment_of(offset, taken_in, given, rules, wrong)
            made = replace(made, settings=self._settings(fields))
            chain.add(made)
            self._found.setdefault(number, []).append(made)

    def of(self, number: int, until: int | None = None) -> list[Deployment]:
        """Those that a partition follows, in order; `until`: without those that come after that instant.

        The first one is always among them: a partition begins with it, whatever its time.
        """
        followed = Chain().add_all(self._found.get(number, ()))
        later = takewhile(lambda each: until is None or each.at <= until, followed[1:])
        return [*followed[:1], *later]

    def _fields(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        told = {
            "deployment_id": fields["deployment_id"],
            "occurred_at": instant("occurred_at", fields["occurred_at"]),
            "kind": fields.get("kind", RULES),
            "plan_format": fields.get("plan_format"),
            "borders": fields.get("borders", []),
            "settings": self._plain_settings(fields),
        }
        told["borders"] = [_border(each, told["settings"]) for each in _listed(fields)]
        return told | ({"follows": fields["follows"]} if "follows" in fields else {})

    def _plain_settings(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The settings of a line, those that it leaves out as the command has them."""
        own = self.settings
        held = {name: getattr(own, name) for name in (*NUMBERS, "currency")}
        given = fields.get("settings") or {}
        mine = {"required_consent": self.required, "zone": {"name": self.zone}}
        return held | mine | {"profile_sources": list(self.sources)} | dict(given)

    def _settings(self, fields: Mapping[str, Any]) -> EngineSettings:
        said = self._plain_settings(fields)
        return replace(self.settings, **{name: said[name] for name in (*NUMBERS, "currency")})

    def _rules(
        self, fields: Mapping[str, Any], settings: Mapping[str, Any], beside: Path | None
    ) -> RuleSet | bytes | str | None:
        """A rule set, or a plan; a text: what is wrong with that."""
        folder, plan = fields.get("rules_from"), fields.get("plan")
        if folder is not None:
            return self._load(_folder(folder, beside), settings)
        if plan is None:
            if fields.get("kind", RULES) == RULES:
                raise EventError("rules_from: is missing: name a folder of rules (or give the plan)")
            return None
        try:
            packed = plan if isinstance(plan, bytes) else base64.b64decode(plan, validate=True)
            return bytes(cramjam.zstd.decompress(packed))
        except (TypeError, ValueError, binascii.Error, OSError, cramjam.DecompressionError) as error:
            return f"its plan: {error}."

    def _load(self, folder: Path, settings: Mapping[str, Any]) -> RuleSet:
        """The rules of a folder, read once for as many lines as name it."""
        currency, zone = settings["currency"], settings["zone"]["name"]
        required = settings["required_consent"] or ""
        sources = tuple(settings["profile_sources"])
        key = (folder.resolve(), currency, zone, required, sources)
        if key not in self._loaded:
            self._loaded[key] = load([folder], currency, zone, required=required, sources=sources)
        return self._loaded[key]


def _listed(fields: Mapping[str, Any]) -> list[Any]:
    given = fields.get("borders") or []
    if not isinstance(given, list):
        raise EventError(f"borders: expected a list of borders, got {given!r:.100}")
    return given


def _border(told: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A border of a line: `measure`, `percent`, `value`; what decides nothing may be left out."""
    named = told if isinstance(told, Mapping) else {}
    for name in ("measure", "percent", "value"):
        if not isinstance(named.get(name), str):
            problem = (
                f"borders: expected objects with the texts measure, percent and value, got {told!r:.100}"
            )
            raise EventError(problem)
    if not DECIMAL.fullmatch(named["value"]):
        raise EventError(f'borders: value: expected a decimal such as "640.5", got {named["value"]!r:.100}')
    units = {"currency": settings["currency"], "zone": settings["zone"]["name"]}
    return {**units, "customers": 0, **named, "taken_at": 0}


def _check(fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name not in FIELDS:
            near = difflib.get_close_matches(str(name), FIELDS, n=1)
            mend = f"did you mean {near[0]}?" if near else f"its fields are {', '.join(FIELDS)}"
            raise EventError(f"{name}: a deployment has no such field; {mend}")
    for name in ("deployment_id", "occurred_at"):
        if name not in fields:
            raise EventError(f"{name}: is missing")
    for name in ("deployment_id", "group", "kind", "rules_from", "follows"):
        value = fields.get(name)
        if not isinstance(value, str | None) or (value is None and name == "deployment_id"):
            raise EventError(f"{name}: expected a text, got {value!r:.100}")
    if fields.get("rules_from") is not None and fields.get("plan") is not None:
        raise EventError("rules_from: a line names a folder of rules, or has a plan, not both")
    settings = fields.get("settings") or {}
    if not isinstance(settings, Mapping):
        raise EventError(f"settings: expected an object, got {settings!r:.100}")
    for name in NUMBERS:
        value = settings.get(name, 0)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise EventError(f"settings.{name}: expected a whole number, got {value!r:.100}")
    zone = settings.get("zone", {"name": ""})
    if not isinstance(zone, Mapping) or not isinstance(zone.get("name"), str):
        raise EventError(
            f'settings.zone: expected an object such as {{"name": "Europe/Amsterdam"}}, got {zone!r:.100}'
        )
    sources = settings.get("profile_sources", [])
    if not isinstance(sources, list) or not all(isinstance(each, str) for each in sources):
        raise EventError(f"settings.profile_sources: expected a list of texts, got {sources!r:.100}")
    for name in ("currency", "required_consent"):
        value = settings.get(name, "")
        if not isinstance(value, str | None) or (value is None and name == "currency"):
            raise EventError(f"settings.{name}: expected a text, got {value!r:.100}")


def _folder(name: str, beside: Path | None) -> Path:
    here = Path(name)
    if not here.exists() and beside is not None and (beside / name).exists():
        here = beside / name
    if not here.exists():
        raise EventError(f"rules_from: there is no folder {name}")
    return here
