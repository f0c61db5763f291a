"""The whole report: which segments it is about, and the figures of each."""

import difflib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import schemas
from segments.engine import load
from segments.insight.outcomes.figures import figures
from segments.insight.outcomes.period import ALWAYS, MILLISECONDS_OF_A_DAY, Period
from segments.insight.outcomes.sums import Sums
from segments.language.errors import SegmentsError
from segments.language.words.sentence import Language
from streams.errors import StreamsError
from streams.history.reader import Progress
from streams.report.reading import Topics
from streams.settings.settings import Settings

Report = dict[str, Any]
CHART_DAYS, CHART_INSTANTS = 90, 60
"""The chart of members: the largest number of days, and of instants."""


def report_of(
    topics: Topics,
    settings: Settings,
    period: Period,
    segments: Sequence[str],
    costs: Mapping[str, Decimal],
    progress: Progress,
) -> Report:
    """Reads the topics; instants in milliseconds. StreamsError for a segment that nobody knows.

    Segments in the order asked for; with none, all that the topics tell, in the order of their ids.
    """
    zone = ZoneInfo(settings.timezone)
    sums = Sums(period, instants(period), segments, zone)
    topics.read(sums, progress)
    known = sums.found.keys() | rules_of(settings)
    for segment in (*segments, *costs):
        if segment not in known:
            near = difflib.get_close_matches(segment, known, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise StreamsError(f"nobody was ever in {segment}, and SEGMENTS_RULES has no such rule{hint}")
    return {
        "as_of": period.now,
        "since": None if period.since == ALWAYS else period.since,
        "until": period.until,
        "all_enters": period.every,
        "currency": settings.currency,
        "reach": topics.reach,
        "segments": [
            figures(sums, segment, inputs=topics.inputs, cost=costs.get(segment))
            for segment in (segments or sorted(sums.found))
        ],
    }


def instants(period: Period) -> list[int]:
    """Those of the chart of members: the end of the period, and whole days before it."""
    days = (period.until - max(period.since, 0)) // MILLISECONDS_OF_A_DAY
    days = min(CHART_DAYS, max(1, days))
    step = -(-days // CHART_INSTANTS)
    count = days // step
    return [period.until - step * MILLISECONDS_OF_A_DAY * back for back in range(count, -1, -1)]


def rules_of(settings: Settings) -> set[str]:
    """The names of the rules here, without loading them."""
    return {file.stem for folder in settings.rules for file in Path(folder).glob("[!_]*.py")}


def titles_of(settings: Settings, language: Language) -> dict[str, str]:
    """The titles of the rules here; none if they can't be loaded: a report needs no rules."""
    try:
        rules = load(settings.rules, settings.currency, required=settings.required_consent)
    except (SegmentsError, OSError):
        return {}
    titles = {each.id: each.nl if language == "nl" else each.en for each in rules.segments}
    return {segment: title for segment, title in titles.items() if title}


def plain(report: Report) -> Report:
    """As JSON: instants in ISO 8601."""
    told = {name: _iso(report[name]) for name in ("as_of", "since", "until")}
    reach = {topic: _iso(at) for topic, at in report["reach"].items()}
    found = [
        {**each, "over_time": [{**point, "at": _iso(point["at"])} for point in each["over_time"]]}
        for each in report["segments"]
    ]
    return {**report, **told, "reach": reach, "segments": found}


def _iso(instant: int | None) -> str | None:
    return None if instant is None else str(schemas.to_iso(instant))
