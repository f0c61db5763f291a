"""Server-sent events: what changed on a page, gathered to at most one update a second."""

import asyncio
import json
from functools import partial
from typing import Any

from aiohttp import web

from streams.console.console import Console
from streams.console.figures import Snapshot
from streams.console.render import translated
from streams.console.segments_page import in_none_text, line_of, segments_state

EVERY = 1.0
"""Seconds between two updates of a page."""
MOST_BYTES = 32_000
"""Of one update; what does not fit comes with the next."""


class Live:
    """The page /live."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.changed = asyncio.Event()
        self._streams: set[asyncio.Task[Any]] = set()
        console.reader.changed.append(self.tell)

    def tell(self) -> None:
        """Something was read."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

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
        console, language = self._console, self._console.renderer.language(request)
        since = request.headers.get("Last-Event-ID") or request.query.get("since", "")
        revision = console.revision(since)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 2000\n\n")
        told: Any = None
        while True:
            changed = self.changed
            snapshot = await console.snapshot()
            update, revision = self._update(snapshot, revision, language)
            now = {key: value for key, value in update.items() if key != "as_of_text"}
            if now != told:
                told = now
                text = json.dumps(update, ensure_ascii=False, separators=(",", ":"))
                event = f"event: segments\nid: {console.since(revision)}\ndata: {text}\n\n"
                await response.write(event.encode())
            await asyncio.sleep(EVERY)
            try:
                async with asyncio.timeout(EVERY if revision >= snapshot.revision else 0):
                    await changed.wait()
            except TimeoutError:
                pass
        return response

    def _update(self, snapshot: Snapshot, since: int, language: str) -> tuple[dict[str, Any], int]:
        """What changed since a revision, as much as fits, and the revision up to which it is told."""
        console = self._console
        as_of, say = console.progress.as_of, partial(translated, language)
        update: dict[str, Any] = {
            "as_of": as_of,
            "as_of_text": say("as of {at}", at=console.renderer.date(language, as_of)),
            "state": segments_state(console, snapshot).name,
            "customers": snapshot.customers,
            "in_none": snapshot.in_none,
            "in_none_text": in_none_text(snapshot, language),
        }
        room = MOST_BYTES - 500
        rows: list[dict[str, Any]] = []
        for row in sorted(snapshot.rows.values(), key=lambda row: row.revision):
            if row.revision <= since:
                continue
            line = line_of(row, snapshot, console.rules.title(row.segment, language))
            line["fresh_text"] = console.renderer.date(language, row.fresh)
            room -= len(json.dumps(line, ensure_ascii=False).encode())
            if room < 0:
                break
            rows.append(line)
            since = row.revision
        else:
            since = max(since, snapshot.revision)
        return update | {"rows": rows}, since
