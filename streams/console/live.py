"""Server-sent events: what changed on a page, gathered to at most one update a second."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import web

from streams.console.console import Console
from streams.console.figures import Snapshot
from streams.console.health_page import Looking, cells_of, health_state
from streams.console.problems import names_of, problems_of
from streams.console.render import translated
from streams.console.segment_page import segment_state
from streams.console.segments_page import in_none_text, line_of, segments_state

EVERY = 1.0
"""Seconds between two updates of a page."""
AS_OF_EVERY = 5.0
"""Seconds after which an update comes although nothing changed but the instant that the numbers are as of."""
LOOK_EVERY = 0.2
"""Seconds between two looks whether a page changed, while records come that change other pages."""
MOST_BYTES = 32_000
"""Of one update; what does not fit comes with the next."""

Update = dict[str, Any]
StateUpdate = tuple[Update, int, bool]
"""An update, the revision up to which it tells, and whether there is more to tell at once."""
Source = Callable[[int], Awaitable[StateUpdate]]


def _numbers(update: Update) -> Update:
    """An update without the instant that it is as of, and without rows, which are there if they changed."""
    return {name: value for name, value in update.items() if name not in ("as_of", "as_of_text", "rows")}


class Live:
    """The page /live."""

    def __init__(self, console: Console, looking: Looking) -> None:
        self._console = console
        self._looking = looking
        self.changed = asyncio.Event()
        self._streams: set[asyncio.Task[Any]] = set()
        console.reader.changed.append(self.tell)

    def tell(self) -> None:
        """Something was read."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    @property
    def count(self) -> int:
        """Pages that are open and are sent updates."""
        return len(self._streams)

    def routes(self) -> list[web.RouteDef]:
        """The page."""
        return [web.get("/live", self._stream)]

    async def end(self, _app: web.Application) -> None:
        """End all streams: they have no end of their own."""
        for task in self._streams:
            task.cancel()

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a request has one
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        name, source = self._source(request)
        since = request.headers.get("Last-Event-ID") or request.query.get("since", "")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with suppress(ConnectionError):  # The client has gone.
            await response.prepare(request)
            await response.write(b"retry: 2000\n\n")
            await self._send(response, name, source, self._console.revision(since))
        return response

    async def _send(self, response: web.StreamResponse, name: str, source: Source, revision: int) -> None:
        """Send for ever what changed.

        As of when that is, is sent alone only every five seconds: a change has to wait for a second after each update,
        and comes sooner if there was none.
        """
        told: Update = {}
        sent, clock = float("-inf"), asyncio.get_running_loop().time
        while True:
            changed = self.changed
            update, revision, more = await source(revision)
            if (
                update.get("rows")
                or _numbers(update) != _numbers(told)
                or (update != told and clock() - sent >= AS_OF_EVERY)
            ):
                told = update
                text = json.dumps(update, ensure_ascii=False, separators=(",", ":"))
                event = f"event: {name}\nid: {self._console.since(revision)}\ndata: {text}\n\n"
                await response.write(event.encode())
                sent = clock()
                await asyncio.sleep(EVERY)
            else:
                await asyncio.sleep(LOOK_EVERY)
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await changed.wait()

    def _source(self, request: web.Request) -> tuple[str, Source]:
        """The name of the events of a page, and what makes them."""
        language = self._console.renderer.language(request)
        match request.query.get("page"):
            case "segment":
                return "segment", partial(self._segment, language, request.query.get("segment", ""))
            case "health":
                return "health", partial(self._health, language)
            case "customer":
                return "segment", partial(self._state, language)
        return "segments", partial(self._segments, language)

    def _head(self, language: str, state: str) -> Update:
        as_of = self._console.progress.as_of
        told = translated(language, "as of {at}", at=self._console.renderer.date(language, as_of))
        rules = self._console.rules.deployment_id or ""
        return {"as_of": as_of, "as_of_text": told, "state": state, "rules": rules}

    async def _state(self, language: str, revision: int) -> StateUpdate:
        """Of a page that shows what was read for it: only as of when the topics are read."""
        return self._head(language, ""), revision, False

    async def _health(self, language: str, revision: int) -> StateUpdate:
        health = await self._looking.health()
        head = self._head(language, health_state(self._console, health).name)
        head["wrong"] = names_of(problems_of(self._console, health))
        return head | {"cells": self._bounded(cells_of(health), language)}, revision, False

    def _bounded(self, cells: dict[str, int | None], language: str) -> dict[str, list[Any]]:
        """Cells with their texts, as many as an update may have: of hundreds of partitions the first ones."""
        found: dict[str, list[Any]] = {}
        room = MOST_BYTES - 500
        for key, value in cells.items():
            dated = key.startswith(("clock:", "next:"))
            text = self._console.renderer.date(language, value) if dated else None
            room -= len(json.dumps([key, value, text], ensure_ascii=False).encode()) + 2
            if room < 0:
                break
            found[key] = [value, text]
        return found

    async def _segment(self, language: str, segment: str, revision: int) -> StateUpdate:
        snapshot = await self._console.snapshot()
        head = self._head(language, segment_state(self._console, snapshot, segment).name)
        row = snapshot.rows.get(segment)
        if row is None:
            return head | {"cells": {}}, revision, False
        line = line_of(row, snapshot, "")
        told = {
            name: [line[name], self._console.renderer.date(language, row.fresh) if name == "fresh" else None]
            for name in ("members", "share", "entered", "left", "fresh")
        }
        return head | {"cells": told}, max(revision, row.revision), False

    async def _segments(self, language: str, since: int) -> StateUpdate:
        """What changed since a revision, as much as fits, and the revision up to which it is told."""
        snapshot = await self._console.snapshot()
        update = self._head(language, segments_state(self._console, snapshot).name) | {
            "customers": snapshot.customers,
            "in_none": snapshot.in_none,
            "in_none_text": in_none_text(snapshot, language),
        }
        rows, since = self._rows(snapshot, since, language)
        return update | {"rows": rows}, since, since < snapshot.revision

    def _rows(self, snapshot: Snapshot, since: int, language: str) -> tuple[list[Update], int]:
        console, room = self._console, MOST_BYTES - 1_000
        rows: list[Update] = []
        for row in sorted(snapshot.rows.values(), key=lambda row: row.revision):
            if row.revision <= since:
                continue
            line = line_of(row, snapshot, console.rules.title(row.segment, language))
            line["fresh_text"] = console.renderer.date(language, row.fresh)
            room -= len(json.dumps(line, ensure_ascii=False).encode())
            if room < 0 and rows:
                return rows, since
            if room >= 0:  # else its name alone is larger than an update
                rows.append(line)
            since = row.revision
        return rows, max(since, snapshot.revision)
