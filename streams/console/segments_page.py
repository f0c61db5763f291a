"""The page of all segments, and the same as JSON."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

import schemas
from streams.console.console import Console
from streams.console.figures import Row, Snapshot
from streams.console.render import number, translated
from streams.console.state import State, state_of

COLUMNS = (
    ("title", "Segment"),
    ("members", "Members"),
    ("share", "Share"),
    ("trend", "Trend"),
    ("entered", "Entered"),
    ("left", "Left"),
    ("fresh", "Latest change"),
)
FIELDS = tuple(name for name, _ in COLUMNS)

Line = dict[str, Any]


def routes(console: Console) -> list[web.RouteDef]:
    """The page, at both its addresses, and its JSON."""
    page = _Segments(console)
    return [
        web.get("/", page.html),
        web.get("/segments", page.html),
        web.get("/api/segments", page.json),
    ]


def line_of(row: Row, snapshot: Snapshot, title: str) -> Line:
    """A segment as it is shown; the share is None where there are no customers."""
    return {
        "segment": row.segment,
        "title": title,
        "members": row.members,
        "share": row.members / snapshot.customers if snapshot.customers else None,
        "trend": row.entered - row.left,
        "entered": row.entered,
        "left": row.left,
        "fresh": row.fresh,
    }


def segments_state(console: Console, snapshot: Snapshot) -> State:
    """The state of the page; empty before anybody entered a segment."""
    empty = not snapshot.customers and all(row.fresh is None for row in snapshot.rows.values())
    return state_of(console.progress, console.unserved, empty=empty)


def in_none_text(snapshot: Snapshot, language: str) -> str:
    """How many are in none, in words."""
    return translated(
        language,
        "In none of these segments: {count} of {all} customers who ever entered one",
        count=number(language, snapshot.in_none),
        all=number(language, snapshot.customers),
    )


class _Segments:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def _found(self, language: str) -> tuple[list[Line], Snapshot, State]:
        console = self._console
        snapshot = await console.snapshot()
        lines = [
            line_of(row, snapshot, console.rules.title(segment, language))
            for segment, row in snapshot.rows.items()
        ]
        lines.sort(key=lambda line: line["title"].casefold())
        return lines, snapshot, segments_state(console, snapshot)

    async def html(self, request: web.Request) -> web.Response:
        """The page; `q` filters, `sort` sorts, a minus sign before the field in descending order."""
        console = self._console
        language = console.renderer.language(request)
        lines, snapshot, state = await self._found(language)
        wanted, sort = request.query.get("q", ""), request.query.get("sort", "")
        field = sort.removeprefix("-")
        if field in FIELDS:
            lines = in_order(lines, field, descending=sort.startswith("-"))
        for line in lines:
            texts = (line["title"], line["segment"])
            line["matches"] = any(wanted.casefold() in text.casefold() for text in texts)
        return console.page(
            request,
            "segments.html",
            state,
            rows=lines,
            columns=COLUMNS,
            q=wanted,
            sort=sort if field in FIELDS else "",
            sorted_by=lambda name: _direction(name, sort),
            next_sort=lambda name: name if sort == f"-{name}" or name == "title" != sort else f"-{name}",
            in_none=snapshot.in_none,
            in_none_text=in_none_text(snapshot, language),
            overlap=self._overlap(snapshot, language),
            rules=console.rules,
            live=f"/live?page=segments&since={console.since(snapshot.revision)}",
        )

    def _overlap(self, snapshot: Snapshot, language: str) -> list[Mapping[str, Any]]:
        title = self._console.rules.title
        return [
            {
                "first": first,
                "second": second,
                "first_title": title(first, language),
                "second_title": title(second, language),
                "customers": count,
            }
            for first, second, count in snapshot.overlap
        ]

    async def json(self, request: web.Request) -> web.Response:
        """The same numbers."""
        language = self._console.renderer.language(request)
        lines, snapshot, state = await self._found(language)
        for line in lines:
            line["fresh"] = None if line["fresh"] is None else schemas.to_iso(line["fresh"])
        return self._console.json(
            state,
            {
                "customers": snapshot.customers,
                "in_none": snapshot.in_none,
                "segments": lines,
                "overlap": self._overlap(snapshot, language),
            },
        )


def _direction(field: str, sort: str) -> str:
    if field == "title" and sort == "":
        return "ascending"
    return {field: "ascending", f"-{field}": "descending"}.get(sort, "none")


def in_order(lines: list[Line], field: str, *, descending: bool) -> list[Line]:
    """Lines by a field; those without a value last."""
    there = [line for line in lines if line[field] is not None]
    there.sort(
        key=lambda line: line[field].casefold() if field == "title" else line[field], reverse=descending
    )
    return there + [line for line in lines if line[field] is None]
