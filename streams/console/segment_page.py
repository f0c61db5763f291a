"""The page of one segment: members over time, who they are, how long they stay, what the rule says."""

from decimal import Decimal
from typing import Any

from aiohttp import web
from markupsafe import Markup

import schemas
from segments.language.words.sentence import Language
from streams.clock import wall_clock
from streams.console.console import Console
from streams.console.database import HOUR
from streams.console.drawing import bars
from streams.console.figures import PERIOD_HOURS, Row, Snapshot
from streams.console.membership import STAYS, Question, SegmentContents, segment_contents
from streams.console.render import shortened, translated
from streams.console.segments_page import line_of
from streams.console.state import State, state_of
from streams.console.worded import Worded
from streams.report import arms
from streams.report.speaking import Speaker
from streams.settings.types import zone_of

DAYS = 30
"""That the chart shows."""
STAY_NAMES = (
    "less than an hour",
    "less than a day",
    "less than a week",
    "less than 30 days",
    "less than 90 days",
    "90 days or more",
)
assert len(STAY_NAMES) == len(STAYS) + 1  # noqa: S101

Line = dict[str, Any]


def routes(console: Console) -> list[web.RouteDef]:
    """The page and its JSON."""
    page = _Segment(console)
    return [
        web.get("/segments/{segment:[^/]+}", page.html),
        web.get("/api/segments/{segment:[^/]+}", page.json),
    ]


class _Segment:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def _found(self, request: web.Request) -> tuple[Line, SegmentContents, State]:
        console, segment = self._console, request.match_info["segment"]
        snapshot = await console.snapshot()
        known = segment in snapshot.rows
        now, query = wall_clock(), request.query
        hour = now // HOUR * HOUR
        asked = Question(
            *(segment, now, hour - (DAYS * 24 - 1) * HOUR, hour - (PERIOD_HOURS - 1) * HOUR),
            search=query.get("q", ""),
            value=query.get("value"),
        )
        told = await console.reader.ask(segment_contents, console.reader.database, asked)
        row = snapshot.rows.get(segment, Row(segment, 0, 0, 0, None, 0))
        title = console.rules.title(segment, console.renderer.language(request))
        state = segment_state(console, snapshot, segment)
        return line_of(row, snapshot, title) | {"known": known}, told, state

    async def html(self, request: web.Request) -> web.Response:
        """The page; `q` searches the members."""
        console, language = self._console, self._console.renderer.language(request)
        if "count" in request.query:
            console.counting.begin(console.progress.partitions)
            raise web.HTTPSeeOther(f"{request.rel_url.raw_path}#count")
        if "compare" in request.query:
            console.reports.begin()
            raise web.HTTPSeeOther(f"{request.rel_url.raw_path}#outcome")
        line, told, state = await self._found(request)
        snapshot = await console.snapshot()
        return console.page(
            request,
            "segment.html",
            state,
            line=line,
            told=told,
            q=request.query.get("q", ""),
            value=request.query.get("value"),
            stays=list(zip(STAY_NAMES, told.stays, strict=True)),
            stays_picture=bars(
                translated(language, "How long the members have been in"),
                [
                    (translated(language, name), float(count))
                    for name, count in zip(STAY_NAMES, told.stays, strict=True)
                ],
            ),
            series=[[each.at // 1000, each.members, each.entered, each.left] for each in told.hours],
            outcomes=outcome_values(told),
            currency=console.settings.currency,
            rule=console.rules.about(line["segment"]),
            said=console.rules.segments.get(line["segment"]),
            **self._counted(line["segment"], language),
            **self._compared(line["segment"], language),
            live=f"/live?page=segment&segment={console.quoted(line['segment'])}"
            f"&since={console.since(snapshot.revision)}",
        )

    def _counted(self, segment: str, language: Language) -> Line:
        """What was counted of the segment, with pictures of it."""
        found = self._console.counting.of(segment)
        leaves = [] if found is None else found["leaves"]
        date = self._console.renderer.date
        return {
            "counting": self._console.counting.latest,
            "counted": found,
            "distributions": [
                {**leaf, "picture": distribution(leaf, self._console.worded(language))}
                for leaf in leaves
                if "groups" in leaf
            ],
            "ahead_picture": bars(
                translated(language, "Flips by time in the next 7 days"),
                [
                    (f"{date(language, each['hour'])}: {each['customers']}", float(each["customers"]))
                    for each in (found or {}).get("ahead", [])
                ],
            ),
        }

    def _compared(self, segment: str, language: Language) -> Line:
        """The arms compared as `segments report` does, in words."""
        settings = self._console.settings
        report = self._console.reports.latest
        found = None if report is None else report.of(segment)
        experiment = None if found is None else found["experiment"]
        speaker = Speaker(language, settings.currency, zone_of(settings.timezone))
        told: Line = {"report": report, "reported": found, "experiment": experiment}
        if found is not None and experiment is not None:
            told["comparison"] = [
                *(
                    (speaker.say(arm["arm"]), row)
                    for arm in experiment["arms"]
                    for row in arms.arm(arm, speaker)
                ),
                *(("", row) for row in arms.experiment(experiment, speaker)),
            ]
            verdict = arms.verdict(experiment["conversion"]["verdict"], speaker)
            told["verdict"] = f"{translated(language, 'On conversion:')} {verdict}."
            told["notes"] = list(arms.experiment_notes(experiment, speaker, values=found["has_values"]))
        return told

    async def json(self, request: web.Request) -> web.Response:
        """The same numbers."""
        line, told, state = await self._found(request)
        counting = self._console.counting
        if "count" in request.query:
            counting.begin(self._console.progress.partitions)
        if "compare" in request.query:
            self._console.reports.begin()
        report = self._console.reports.latest
        body = {name: value for name, value in line.items() if name != "known"} | {
            "fresh": None if line["fresh"] is None else schemas.to_iso(line["fresh"]),
            "report": None if report is None else report.told(line["segment"]),
            "census": None if counting.latest is None else counting.latest.told(line["segment"]),
            **plain_values(told),
        }
        return self._console.json(state, body)


def plain_values(told: SegmentContents) -> Line:
    """What the database tells, as JSON."""
    return {
        "memberships": told.memberships,
        "hours": [
            {
                "hour": schemas.to_iso(each.at),
                "entered": each.entered,
                "left": each.left,
                "members": each.members,
            }
            for each in told.hours
        ],
        "reasons": [
            {"transition": transition, "reason": reason, "count": count}
            for transition, reason, count in told.reasons
        ],
        "values": [
            {"value": each.value, "members": each.members, "entered": each.entered, "left": each.left}
            for each in told.values
        ],
        "stays": dict(zip(STAY_NAMES, told.stays, strict=True)),
        "versions": [
            {"version": version, "first": schemas.to_iso(first), "latest": schemas.to_iso(latest)}
            for version, first, latest in told.versions
        ],
        "outcome": outcome_values(told),
        "member_list": [
            {
                "customer_id": customer,
                "value": value,
                "entered_at": schemas.to_iso(entered),
                "valid_until": None if until is None else schemas.to_iso(until),
            }
            for customer, value, entered, until in told.members
        ],
    }


def outcome_values(told: SegmentContents) -> list[Line]:
    """What came of the stays by arm, as JSON."""
    return [
        {
            "arm": arm,
            "mature": each.mature,
            "converted": each.converted,
            "conversion": each.converted / each.mature,
            "goals": each.goals,
            "revenue": None if each.revenue is None else cents(each.revenue),
        }
        for arm, each in told.outcomes.items()
    ]


def cents(amount: int) -> str:
    """Hundredths as an amount with two decimals."""
    return f"{amount // 100}.{amount % 100:02}"


def distribution(leaf: Line, worded: Worded) -> Markup:
    """The groups of a leaf's values, with the bound where it stands."""
    groups = leaf["groups"]
    mark = next(
        (place for place, each in enumerate(groups) if Decimal(each["from"]) == Decimal(leaf["bound"])), None
    )
    named = [
        (f"{worded.value(leaf, _whole(each['from']))}: {each['customers']}", float(each["customers"]))
        for each in groups
    ]
    return bars(shortened(worded.name(leaf["measure"]), 100), named, mark)


def _whole(text: str) -> str:
    """A number without digits after the point that say nothing."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def segment_state(console: Console, snapshot: Snapshot, segment: str) -> State:
    """Empty: neither a rule nor anybody who ever entered."""
    row = snapshot.rows.get(segment)
    empty = row is None or (row.fresh is None and not row.members)
    return state_of(console.progress, console.unserved, empty=empty)
