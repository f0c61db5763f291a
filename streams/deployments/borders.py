"""New borders for the rules that run: asked of each partition's owner, and the record that publishes them."""

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from segments.engine import BORDERS, CLICKSTREAM, Border, BorderKey
from segments.insight.ranking import border_of, decimal_text, unpacked
from segments.language.nodes.text import short_name
from segments.plan import ir
from segments.plan.borders import fields_of
from streams.deployments.planning import new_id
from streams.deployments.records import Chains
from streams.errors import StreamsError
from streams.http.client import answer_of
from streams.kafka.group import owner
from streams.settings.settings import Settings

AGAIN = 1.0
"""Seconds before a partition that did not answer is asked again."""


class NotAsked(StreamsError):
    """Not all partitions answered in time: nothing was written."""

    exit_code = 3


@dataclass(slots=True)
class Taken:
    """The values of all customers, by measure."""

    values: dict[str, list[int]] = field(default_factory=dict)
    """In millionths, without zeros."""
    known: dict[str, int] = field(default_factory=dict)
    """For each measure that some partition does not know for its whole window yet: when it will, in milliseconds."""
    at: int = 0
    """The latest of the partitions' clocks, in milliseconds."""


def take(
    settings: Settings, chains: Chains, measures: Sequence[str], seconds: float, tell: Callable[[int], None]
) -> Taken:
    """Ask each partition's owner once; raises NotAsked, with the partitions named, if that takes longer."""
    running = chains.running
    consent = None if running is None else running.settings["required_consent"]
    windows = {} if running is None else windows_of(running.planned.data)
    query = [("measure", each) for each in map(short_name, measures)]
    query += [] if consent is None else [("consent", consent)]
    end, left, why = time.monotonic() + seconds, sorted(chains.held), ""
    found = Taken({each: [] for each in measures})
    while left:
        for number in list(left):
            try:
                where = owner(settings, CLICKSTREAM, number)
                path = "/worths?" + urlencode([("partition", number), *query])
                answer = answer_of(where, path, settings.why_token, max(1.0, end - time.monotonic()))
            except StreamsError as error:
                why = str(error)
                continue
            left.remove(number)
            _add(found, answer, windows)
            tell(1)
        if left and time.monotonic() >= end:
            missing = ", ".join(map(str, left))
            raise NotAsked(
                f"after {seconds:g} seconds these partitions have not answered: {missing}. {why} Nothing was written."
            )
        if left:
            time.sleep(min(AGAIN, max(0.0, end - time.monotonic())))
    return found


def _add(found: Taken, answer: Mapping[str, Any], windows: Mapping[str, int]) -> None:
    for measure in found.values:
        name = short_name(measure)
        found.values[measure] += unpacked(base64.b64decode(answer["values"][name]))
        if (since := answer["known_since"].get(name)) is not None:
            until = since + windows[name]
            if until > answer["clock"]:
                found.known[measure] = max(until, found.known.get(measure, until))
    found.at = max(found.at, answer["clock"])


def windows_of(plan: ir.Plan) -> dict[str, int]:
    """For each measure of a plan how far back it looks, in milliseconds."""
    asked = [each for leaf in plan.leaves for each in ir.measured_in(leaf.asked)]
    return {plan.measures[each.known]: each.window + each.offset for each in asked}


@dataclass(frozen=True, slots=True)
class Move:
    """A border, and what becomes of it."""

    key: BorderKey
    old: Border | None
    new: Border | None
    """None: nothing is published."""
    why: str = ""
    """Of what is not published."""


def moves(keys: Sequence[BorderKey], taken: Taken, published: Sequence[Border]) -> list[Move]:
    """What the values of all customers make of these borders."""
    held = {border.key: border for border in published}
    return [_move(key, taken, held.get(key)) for key in keys]


def _move(key: BorderKey, taken: Taken, old: Border | None) -> Move:
    values = taken.values[key.measure]
    found = border_of(values, Decimal(key.percent))
    if found is None:
        return Move(key, old, None, "no customer has a value")
    if found <= 0:
        return Move(
            key, old, None, f"it would be {decimal_text(found)}, and only what is above 0 is published"
        )
    return Move(key, old, Border(key, decimal_text(found), len(values), taken.at))


def after(found: Sequence[Move], published: Sequence[Border]) -> list[Border]:
    """All borders from then on: the new ones, and those of before that have no new value."""
    new = {move.key: move.new for move in found if move.new is not None}
    kept = {border.key: border for border in published}
    return list((kept | new).values())


def record(
    settings: Settings, chains: Chains, borders: Sequence[Border], now: int, note: str
) -> dict[str, Any]:
    """The record that publishes borders; `now` is the wall clock."""
    return {
        "deployment_id": new_id(now),
        "group": settings.group,
        "follows": None if chains.last is None else chains.last.id,
        "occurred_at": now,
        "kind": BORDERS,
        "plan": None,
        "plan_format": None,
        "rules": None,
        "settings": None,
        "borders": [fields_of(each) for each in borders],
        "models": {},
        "note": note,
    }
