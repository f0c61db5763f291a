"""Trying all rules at once: how large each segment would be, who would be in none, which have customers in common."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import schemas
from segments.engine import BEFORE_ALL, Border, EngineSettings, RuleSet, load
from segments.insight.counted import Counted
from segments.language.nodes.durations import DAY
from streams.history.reader import History, Progress
from streams.jobs.trial import history_json, with_borders
from streams.jobs.trial_borders import ReadBorder
from streams.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class AllRules:
    """The rules of the folders."""

    rules: RuleSet

    @property
    def sets(self) -> list[RuleSet]:
        """The one set."""
        return [self.rules]

    def compared_with(self, borders: Sequence[Border]) -> "AllRules":
        """The same, with borders published."""
        return replace(self, rules=with_borders(self.rules, borders))


@dataclass(frozen=True, slots=True)
class TrialOfAll:
    """What became of all rules, as of an instant in milliseconds; None: no event was ever applied."""

    counted: Counted
    now: int | None


def find_all(settings: Settings) -> AllRules:
    """All rules of SEGMENTS_RULES; wrong rules raise a RuleError."""
    rules = load(
        settings.rules,
        settings.currency,
        settings.timezone,
        required=settings.required_consent,
        sources=settings.profile_sources,
    )
    return AllRules(rules)


def needed_since_all(tried: AllRules, now: int, days: int) -> int | None:
    """The instant from which the past matters; None: all of it does, since a rule has `until`."""
    if any(segment.until is not None for segment in tried.rules.segments):
        return None
    return first_day(now, days) * DAY - tried.rules.plan.retention


def first_day(now: int, days: int) -> int:
    """The first of `days` days that end now, counted from 1970."""
    return now // DAY - days + 1


def run_all(
    tried: AllRules, history: History, settings: EngineSettings, now: int | None, progress: Progress
) -> TrialOfAll:
    """Live through the history with all rules."""
    counted = Counted(tried.rules, history.count, settings)
    history.read(counted.reader, progress)
    at = counted.reader.finish((), history.latest if now is None else now).now
    return TrialOfAll(counted, None if at == BEFORE_ALL else at)


def as_json_of_all(
    found: TrialOfAll, days: int, since: int | None, history: History, read: Sequence[ReadBorder]
) -> dict[str, Any]:
    """The result for machines; `entered` and `left` count the flips of the last `days` days."""
    counted, told = found.counted, found.counted.sizes.told()
    first = first_day(found.now or 0, days)
    for name, each in told["segments"].items():
        each["entered"] = counted.flips(name, "enter", first)
        each["left"] = counted.flips(name, "exit", first)
    return {
        "now": None if found.now is None else schemas.to_iso(found.now),
        "days": days,
        "history": history_json(counted.tally, since, history),
        "borders": [each.as_json() for each in read],
        **told,
    }
