"""Borders that a deployment reads and nobody has published yet: taken from the workers before it is written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import schemas
from segments.engine import Border, BorderKey
from segments.insight.ranking import known_names
from segments.plan.borders import fields_of
from streams.deployments.borders import NotAsked, moves, take
from streams.deployments.knowledge import windows_of
from streams.deployments.planning import Planned
from streams.deployments.records import Chains
from streams.kafka.group import standing
from streams.settings.settings import Settings

LATER = "publish it later with `segments borders update`"


@dataclass(frozen=True, slots=True)
class NewBorder:
    """A border that nobody has published yet."""

    key: BorderKey
    border: Border | None
    """None: it stays unpublished."""
    why: str = ""
    """Of one that stays unpublished."""

    def __str__(self) -> str:
        """In words."""
        name = f"border {self.key.measure} top(percent={self.key.percent})"
        if self.border is None:
            return f"{name}: not published, nobody enters by it: {self.why}"
        return f"{name}: {self.border.value}, of {self.border.customers:,} customers"

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        if self.border is not None:
            return {**fields_of(self.border), "taken_at": schemas.to_iso(self.border.taken_at), "why": None}
        key = self.key
        told = {
            "measure": key.measure,
            "percent": key.percent,
            "currency": key.currency,
            "zone": key.zone,
            "value": None,
        }
        return {**told, "why": self.why}


def unpublished(planned: Planned, chains: Chains) -> list[BorderKey]:
    """The borders that these rules read and nobody has published."""
    held = {border.key for border in chains.borders}
    return [key for key in planned.ruleset.data.borders if key not in held]


def take_new(
    settings: Settings,
    planned: Planned,
    chains: Chains,
    seconds: float,
    tell: Callable[[int], None],
    *,
    filled: bool = False,
) -> list[NewBorder]:
    """The unpublished borders of these rules, taken from the owners of all partitions.

    A border is taken if each partition has known its measure for the whole window by the rules that run, or by what was
    filled beside them (`filled`: that is done); else it stays unpublished, and it is said why.
    """
    keys, running = unpublished(planned, chains), chains.running
    if running is None:
        return [NewBorder(key, None, f"nothing is deployed yet; {LATER}") for key in keys]
    windows = _windows(chains, filled=filled)
    names = known_names(planned.ruleset.data)
    units = running.settings["currency"], running.settings["zone"]["name"]
    asked = [key for key in keys if names[key.measure] in windows and (key.currency, key.zone) == units]
    found = {
        key: NewBorder(key, None, f"the rules that run do not measure it yet; {LATER}")
        for key in keys
        if key not in asked
    }
    found |= {each.key: each for each in _taken(settings, planned, chains, windows, asked, seconds, tell)}
    return [found[key] for key in keys]


def _windows(chains: Chains, *, filled: bool) -> dict[str, int]:
    """How far the measures look back that workers can be asked for: of the rules that run, and what was filled."""
    known = [each for each in (chains.running, chains.filling if filled else None) if each is not None]
    return {name: window for each in known for name, window in windows_of(each.planned.data).items()}


def _taken(
    settings: Settings,
    planned: Planned,
    chains: Chains,
    windows: Mapping[str, int],
    keys: list[BorderKey],
    seconds: float,
    tell: Callable[[int], None],
) -> Iterator[NewBorder]:
    if not keys:
        return
    names = known_names(planned.ruleset.data)
    wanted = {key.measure: names[key.measure] for key in keys}
    consent = planned.settings["required_consent"]
    try:
        if not standing(settings)[1]:
            raise NotAsked(f"no worker of the group {settings.group} runs")
        taken = take(settings, windows, chains.held, wanted, seconds, tell, consent)
    except NotAsked as error:
        yield from (NewBorder(key, None, f"{str(error).rstrip('.')}; {LATER}") for key in keys)
        return
    for move in moves(keys, taken, ()):
        if (until := taken.known.get(move.key.measure)) is not None:
            why = f"its measure is known for its whole window from {schemas.to_iso(until)} on; {LATER}"
            yield NewBorder(move.key, None, why)
        else:
            yield NewBorder(move.key, move.new, move.why)
