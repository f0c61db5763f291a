"""New borders for the rules that run: asked of each partition's owner, and the record that publishes them."""

import base64
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from segments.engine import BORDERS, CLICKSTREAM, Border, BorderKey
from segments.insight.ranking import published, unpacked
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
class CustomerValues:
    """The values of all customers, by measure."""

    values: dict[str, list[int]] = field(default_factory=dict)
    """In millionths, without zeros."""
    known: dict[str, int] = field(default_factory=dict)
    """For each measure that some partition does not know for its whole window yet: when it will, in milliseconds."""
    at: int = 0
    """The latest of the partitions' clocks, in milliseconds."""


def take(
    settings: Settings,
    windows: Mapping[str, int],
    partitions: Collection[int],
    wanted: Mapping[str, str],
    seconds: float,
    tell: Callable[[int], None],
    consent: str | None = None,
) -> CustomerValues:
    """Ask each partition's owner once; raises NotAsked, with the partitions named, if that takes longer.

    `wanted` has for each measure, by its text, the name by which plans know it, and `windows` for each name how far it
    looks back, in milliseconds. `consent`: only of customers who have given it.
    """
    query = [("measure", each) for each in wanted.values()]
    query += [] if consent is None else [("consent", consent)]
    end, left, why = time.monotonic() + seconds, sorted(partitions), ""
    found = CustomerValues({each: [] for each in wanted})
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
            _add(found, answer, wanted, windows)
            tell(1)
        if left and time.monotonic() >= end:
            missing = ", ".join(map(str, left))
            raise NotAsked(f"after {seconds:g} seconds these partitions have not answered: {missing}. {why}")
        if left:
            time.sleep(min(AGAIN, max(0.0, end - time.monotonic())))
    return found


def _add(
    found: CustomerValues, answer: Mapping[str, Any], wanted: Mapping[str, str], windows: Mapping[str, int]
) -> None:
    for measure, name in wanted.items():
        found.values[measure] += unpacked(base64.b64decode(answer["values"][name]))
        if (since := answer["known_since"].get(name)) is not None:
            until = since + windows[name]
            if until > answer["clock"]:
                found.known[measure] = max(until, found.known.get(measure, until))
    found.at = max(found.at, answer["clock"])


@dataclass(frozen=True, slots=True)
class Move:
    """A border, and what becomes of it."""

    key: BorderKey
    old: Border | None
    new: Border | None
    """None: nothing is published."""
    why: str = ""
    """Of what is not published."""


def moves(keys: Sequence[BorderKey], taken: CustomerValues, before: Sequence[Border]) -> list[Move]:
    """What the values of all customers make of these borders, of which those were published before."""
    held = {border.key: border for border in before}
    return [_move(key, taken, held.get(key)) for key in keys]


def _move(key: BorderKey, taken: CustomerValues, old: Border | None) -> Move:
    values = taken.values[key.measure]
    value, why = published(values, Decimal(key.percent))
    return Move(key, old, None if value is None else Border(key, value, len(values), taken.at), why)


def after(found: Sequence[Move], before: Sequence[Border]) -> list[Border]:
    """All borders from then on: the new ones, and those of before that have no new value."""
    new = {move.key: move.new for move in found if move.new is not None}
    kept = {border.key: border for border in before}
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
