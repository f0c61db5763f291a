"""The console's HTTP server: its pages behind the guard, the login and the headers."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from streams.console import customer_page, health_page, segment_page, segments_page, try_page
from streams.console.console import Console
from streams.console.entry import Entry, add_headers
from streams.console.health_page import Looking
from streams.console.live import Live
from streams.console.state import State
from streams.http.connections import HEADER_SECONDS, Connections
from streams.http.health import METRICS_TYPE, reachable
from streams.http.hosts import guard
from streams.telemetry.console import ConsoleMetrics, ConsoleState

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
STATIC = Path(__file__).parent / "static"
ENDING_SECONDS = 1.0
"""In which requests may end when the console is told to stop."""


def application(console: Console, announced: str) -> web.Application:
    """All pages; `announced` is the address, host:port, under which the server is reached."""
    settings = console.settings
    entry = Entry(settings.why_token, console.renderer)
    looking = Looking(console)
    live = Live(console, looking)
    app = web.Application(
        middlewares=[
            guard(settings.http_host, announced, settings.http_hosts),
            _told(console),
            entry.middleware,
        ]
    )
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(live.end)
    metrics = _metrics(console, live)
    app.middlewares.insert(0, _counted(metrics))
    app.add_routes(
        [
            web.get("/metrics", _scraped(metrics)),
            *segments_page.routes(console),
            *segment_page.routes(console),
            *customer_page.routes(console),
            *try_page.routes(console),
            *health_page.routes(console, looking),
            *live.routes(),
            *entry.routes(),
            web.get("/healthz", _healthy),
            web.get("/readyz", _ready(console)),
            web.static("/static", STATIC),
        ]
    )
    return app


def _metrics(console: Console, live: Live) -> ConsoleMetrics:
    metrics = ConsoleMetrics()

    def states() -> Iterable[ConsoleState]:
        progress = console.progress
        remaining = 0 if progress.caught_up else max(0, progress.total - progress.read)
        yield ConsoleState(progress.as_of, remaining, console.reader.figures.customers, live.count)

    metrics.watch(states)
    return metrics


def _scraped(metrics: ConsoleMetrics) -> Handler:
    async def scraped(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": METRICS_TYPE})

    return scraped


def _counted(metrics: ConsoleMetrics) -> Middleware:
    """Counts answers by the class of their status, and times those that end by themselves."""

    @web.middleware
    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            metrics.answers.labels(f"{status // 100}xx").inc()
            if request.path != "/live":
                metrics.answer_seconds.observe(time.perf_counter() - began)
        return response

    return counted


def _told(console: Console) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Errors as pages or as JSON, never with what a customer sent or is."""

    @web.middleware
    async def told(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            status, words = error.status, "There is no such page."
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            log.exception("a page failed")
            status, words = 500, "This went wrong here. The log of the console tells more."
        if request.path.startswith("/api/"):
            return web.json_response({"error": words}, status=status)
        state = State("error", None)
        return console.page(request, "error.html", state, status=status, words=words)

    return told


async def _healthy(_request: web.Request) -> web.Response:
    """200: a console that hangs does not answer."""
    return web.json_response({"alive": True})


def _ready(console: Console) -> Handler:
    async def ready(_request: web.Request) -> web.Response:
        """200 once the topics are read to their ends."""
        done = not console.progress.loading
        return web.json_response({"ready": done}, status=200 if done else 503)

    return ready


class Server:
    """Serves the pages of a console on a socket that listens."""

    def __init__(self, console: Console, listening: socket.socket) -> None:
        self._console = console
        self._listening = listening
        app = application(console, reachable(console.settings.http_host, listening))
        self._runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=HEADER_SECONDS, shutdown_timeout=ENDING_SECONDS
        )
        self._connections = Connections(self._runner)

    async def start(self) -> None:
        """Answer."""
        await self._runner.setup()
        await self._connections.start(self._listening)

    async def stop(self) -> None:
        """Stop listening, and end what is open."""
        self._connections.stop()
        self._console.readings.close()
        self._console.counting.close()
        self._console.reports.close()
        self._console.trials.close()
        await self._runner.cleanup()
