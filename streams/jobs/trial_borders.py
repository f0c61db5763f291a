"""The borders that a rule is tried with: those given or published; else the history itself is asked for them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import schemas
from segments.engine import Border, BorderKey, EngineSettings, RuleSet
from segments.insight.by_history import BorderCensus
from segments.insight.deploying import Deploying
from segments.plan.borders import fields_of
from streams.history.reader import History, Progress


@dataclass(frozen=True, slots=True)
class ReadBorder:
    """A border that rules read."""

    key: BorderKey
    border: Border | None
    """None: there is none, and the rule has no members by it."""
    by_history: bool
    """It was taken from the history that the rule is tried on."""

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        key = self.key
        told: dict[str, Any] = {
            "measure": key.measure,
            "percent": key.percent,
            "currency": key.currency,
            "zone": key.zone,
        }
        told |= {"value": None, "customers": 0, "taken_at": None}
        if self.border is not None:
            at = self.border.taken_at
            told |= fields_of(self.border) | {"taken_at": schemas.to_iso(at) if at else None}
        return {**told, "by_history": self.by_history}


def told_by(deploying: Deploying, until: int | None) -> tuple[Border, ...]:
    """The borders published by the deployments of a file."""
    followed = deploying.of(0, until)
    return followed[-1].borders if followed else ()


def keys_of(sets: Iterable[RuleSet]) -> tuple[BorderKey, ...]:
    """The borders that these rule sets read, each once."""
    return tuple(dict.fromkeys(key for rules in sets for key in rules.data.borders))


def missing(sets: Iterable[RuleSet], held: Sequence[Border]) -> tuple[BorderKey, ...]:
    """Those of them that are not held."""
    of = {border.key for border in held}
    return tuple(key for key in keys_of(sets) if key not in of)


def taken(
    sets: Sequence[RuleSet],
    wanted: Sequence[BorderKey],
    history: History,
    engine: EngineSettings,
    now: int | None,
    consent: str | None,
    progress: Progress,
) -> tuple[Border, ...]:
    """These borders as the history has them at its end: it is read once for them."""
    census = BorderCensus(sets, history.count, engine, consent)
    history.read(census.reader, progress)
    return census.finish(wanted, history.latest if now is None else now)


def read_by(sets: Sequence[RuleSet], held: Sequence[Border], found: Sequence[Border]) -> list[ReadBorder]:
    """What became of each border that the rules read: held before, or found in the history."""
    every = {border.key: border for border in (*found, *held)}
    before = {border.key for border in held}
    return [ReadBorder(key, every.get(key), key not in before) for key in keys_of(sets)]
