"""Whom a change of rules would move, by the history of the topics or of files: both rule sets live through it once."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

import schemas
from segments.engine import BEFORE_ALL, EngineSettings, PlannedRules, RuleSet, topics_of
from segments.insight.sides import Beside, Compared, Lives
from segments.language.catalogue import sources_among
from streams.history.reader import History, Progress
from streams.jobs.trial import past, present
from streams.settings.settings import Settings

Side = tuple[RuleSet | PlannedRules, EngineSettings]
"""A rule set, and the settings that decide under it."""


@contextmanager
def history_of(
    settings: Settings, sides: Collection[Side], files: tuple[IO[bytes], ...], partitions: int | None
) -> Iterator[tuple[History, int | None]]:
    """What there is to read, and as of which instant; None: as far as the events go.

    The topics are read as far back as any rule of the sides can remember.
    """
    now = present(settings, files, None)
    plans = [rules.data for rules, _ in sides]
    endless = any(rule.until is not None for plan in plans for rule in plan.rules)
    since = None if now is None or endless else now - max(plan.retention for plan in plans)
    sources = {each for rules, _ in sides for each in sources_among(topics_of(rules))}
    with past(settings, files, partitions, since, None, sources=sorted(sources)) as history:
        yield history, now


def foresee(
    history: History,
    now: int | None,
    before: Side | None,
    after: Side,
    names: Collection[str],
    progress: Progress,
) -> Compared:
    """Read it for both sides, and compare these rules."""
    count = history.count
    beside = Beside(
        None if before is None else Lives(before[0], count, before[1]), Lives(after[0], count, after[1])
    )
    history.read(beside, progress)
    return beside.finish(names, history.latest if now is None else now)


def as_plain(found: Compared, history: History) -> dict[str, Any]:
    """What was found, for machines."""
    rules = found.rules
    return {
        "customers": found.customers,
        "members": {name: len(each.leaves) + len(each.stays) for name, each in rules.items()},
        "enters": {name: len(each.enters) for name, each in rules.items()},
        "exits": {name: len(each.leaves) for name, each in rules.items()},
        "stays": {name: len(each.stays) for name, each in rules.items()},
        "unknown": [],
        "examples": {name: each.examples() for name, each in rules.items()},
        "as_of": None if found.now == BEFORE_ALL else schemas.to_iso(found.now),
        "history_deleted_before": _iso(history.deleted_before),
    }


def told(plain: Mapping[str, Any]) -> Iterator[str]:
    """In words, a line for each rule and each kind of customers."""
    yield f"by the history, as of {plain['as_of'] or 'its beginning: it has no events'}:"
    for name, examples in plain["examples"].items():
        counts = plain["enters"][name], plain["exits"][name], plain["stays"][name]
        yield f"  {name}: {counts[0]:,} would enter, {counts[1]:,} leave, {counts[2]:,} stay"
        for kind, some in examples.items():
            if some:
                yield f"    {kind}: {', '.join(some)}"
    if plain["history_deleted_before"] is not None:
        yield f"  what came in before {plain['history_deleted_before']} and would matter is no longer there"


def _iso(instant: int | None) -> str | int | None:
    return None if instant is None else schemas.to_iso(instant)
