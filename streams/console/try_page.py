"""The page that tries a rule with other numbers: who would stay, enter and leave."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

import schemas
from segments.insight.varying import RuleNumber, numbers_of
from segments.language.errors import SegmentsError
from streams.console.console import Console
from streams.console.state import Name, State
from streams.console.trying import Compared, RunningTrial
from streams.errors import StreamsError

PATIENCE = 1.5
"""Seconds that the page waits for a trial before it shows its progress."""

Line = dict[str, Any]


def routes(console: Console) -> list[web.RouteDef]:
    """The page and its JSON."""
    page = _Try(console)
    return [web.get("/try", page.html), web.get("/api/try", page.json)]


class _Try:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def _found(self, request: web.Request) -> tuple[str, list[Line], RunningTrial | None, State]:
        """The rule, its numbers as they are and as asked for, the trial if any differs, the state."""
        console, segment = self._console, request.query.get("segment", "")
        rules = console.rules
        try:
            known = segment in rules.runnable.ids
            numbers = numbers_of(rules.runnable, segment) if known else []
        except (SegmentsError, StreamsError) as error:
            return segment, [], None, State("error", console.progress.as_of, str(error))
        lines = [_line(each, request.query) for each in numbers]
        asked = {each["place"]: each["value"] for each in lines if each["value"] != each["now"]}
        tried = console.trials.of(rules, segment, asked) if asked else None
        if tried is not None:
            if "stop" in request.query:
                tried.stopped.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await tried.finished.wait()
        return segment, lines, tried, self._state(tried, known=known or not segment)

    def _state(self, tried: RunningTrial | None, *, known: bool) -> State:
        as_of = self._console.progress.as_of
        if tried is None:
            return State("ready" if known else "empty", as_of)
        name: Name = "ready"
        if tried.problem is not None:
            name = "error"
        elif not tried.finished.is_set():
            name = "loading"
        return State(name, tried.began, tried.problem, tried.done, tried.total)

    async def html(self, request: web.Request) -> web.Response:
        """The page; the query string holds the numbers, each named after its place, such as n0."""
        console = self._console
        language = console.renderer.language(request)
        segment, lines, tried, state = await self._found(request)
        titles = {each: console.rules.title(each, language) for each in console.rules.segments}
        return console.page(
            request,
            "try.html",
            state,
            segment=segment,
            title=titles.get(segment, segment),
            titles=sorted(titles.items(), key=lambda each: each[1].casefold()),
            numbers=lines,
            tried=tried,
            result=result_of(tried),
            stop=str(request.rel_url.update_query(stop="1")),
            live=f"/live?page=customer&since={console.since(0)}",
        )

    async def json(self, request: web.Request) -> web.Response:
        """The same numbers."""
        segment, lines, tried, state = await self._found(request)
        deleted = None if tried is None else tried.deleted_before
        return self._console.json(
            state,
            {
                "segment": segment,
                "numbers": lines,
                "read": 0 if tried is None else tried.done,
                "to_read": 0 if tried is None else tried.total,
                "deleted_before": None if deleted is None else schemas.to_iso(deleted),
                "result": result_of(tried),
            },
        )


def _line(number: RuleNumber, query: Mapping[str, str]) -> Line:
    name = f"n{number.place}"
    return {
        "place": number.place,
        "name": name,
        "leaf": number.leaf,
        "operator": number.operator,
        "unit": number.unit,
        "now": number.value,
        "value": query.get(name, "").strip() or number.value,
    }


def result_of(tried: RunningTrial | None) -> Line | None:
    """What a trial found: members now and then, and who would stay, enter and leave; None: nothing yet."""
    found = None if tried is None else tried.found
    if found is None or found.change is None:
        return None
    counts = found.change.counts
    return {
        "customers": found.customers,
        "members_now": found.change.members,
        "members": found.members,
        "share": found.share,
        "stay": counts["stays"],
        "enter": counts["enters"],
        "leave": counts["leaves"],
        "borders": [_border(each) for each in tried.borders] if tried is not None else [],
    }


def _border(compared: Compared) -> Line:
    key, border = compared.key, compared.border
    told = (None, 0) if border is None else (border.value, border.customers)
    names = ("measure", "percent", "value", "customers", "by_history")
    return dict(zip(names, (key.measure, key.percent, *told, compared.by_history), strict=True))
