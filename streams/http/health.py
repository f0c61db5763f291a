"""What a worker tells over HTTP: its metrics, whether it lives, and whether it is ready.

`/healthz` is for a supervisor that restarts workers, so it says no only if a restart may help: a partition has work
and made no progress for `STUCK_AFTER`, although a broker answers. A broker that is away is waited for: a restart would
bring nothing but the loss of what is in memory. A worker whose event loop hangs does not answer at all.

`/readyz` tells whether its partitions are served: yes once the group has assigned, and all that it
assigned is restored. While a broker is away nothing is served, and it says no; `problem` says why, if that is known.
"""

import errno
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Middleware

from streams.errors import StreamsError
from streams.http.connections import HEADER_SECONDS, Connections
from streams.telemetry.metrics import Metrics

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

METRICS_TYPE = "text/plain; version=0.0.4"

STUCK_AFTER = 120.0
"""Seconds; a transaction may take 20, a take-over 30, an idle partition asks every 30 whether there is more."""


class PortTaken(StreamsError):
    """Someone else listens on the port."""

    def __init__(self, host: str, port: int) -> None:
        """Say which port, and how to use another one."""
        super().__init__(
            f"port {port} of {host} is taken, probably by another worker here: "
            "give this one another with --http-port or SEGMENTS_HTTP_PORT (0: any free one)"
        )


def listen(host: str, port: int) -> socket.socket:
    """Listen on a port, or on a free one if that is 0; the address is known before anything is served."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(host, port) from error
        raise StreamsError(
            f"cannot listen on {host}:{port}: {error.strerror}; set SEGMENTS_HTTP_HOST"
        ) from error


def reachable(host: str, listening: socket.socket) -> str:
    """The address, host:port, under which others reach a socket; an IPv6 address stands in brackets."""
    name = socket.gethostname() if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
    name = f"[{name}]" if ":" in name else name
    return f"{name}:{listening.getsockname()[1]}"


class Served(Protocol):
    """What this page asks of the partitions that a worker owns."""

    @property
    def ready(self) -> bool:
        """Whether everything assigned is restored."""

    @property
    def assigned(self) -> bool:
        """Whether the group has assigned."""

    @property
    def replaced(self) -> list[str]:
        """The inputs that are other topics than those that were read."""

    @property
    def problem(self) -> str | None:
        """What keeps the worker from its partitions, with the mend."""

    @property
    def undeployed(self) -> str | None:
        """What partitions wait for that have no rule set yet, with the mend."""

    @property
    def ending(self) -> bool:
        """Whether the worker ends because of that problem."""

    def waiting_for(self) -> list[int]:
        """The partitions that are not restored yet."""

    def stuck(self, seconds: float) -> list[int]:
        """The partitions that had work for that long without getting on with it."""

    async def broker_answers(self) -> bool:
        """Whether a broker answers."""


@web.middleware
async def _require_text(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A header that is no UTF-8 is the sender's fault, not a failure of the worker."""
    try:
        for _, value in request.raw_headers:
            value.decode()
    except UnicodeDecodeError:
        return web.json_response({"error": "A header is not UTF-8."}, status=400)
    return await handler(request)


class HealthServer:
    """Serves /metrics, /healthz and /readyz."""

    def __init__(
        self, metrics: Metrics, owners: Served | None = None, guarded: Sequence[Middleware] = ()
    ) -> None:
        """Prepare the server; `add` adds more pages before it is started. Without owners the worker is starting.

        `guarded`: what looks at a request before a page does.
        """
        self._metrics = metrics
        self._owners = owners
        self.waiting: str | None = None
        """What a worker that is starting waits for."""
        self._app = web.Application(middlewares=[_require_text, *guarded])
        self._app.add_routes(
            [
                web.get("/metrics", self._get_metrics),
                web.get("/healthz", self._get_health),
                web.get("/readyz", self._get_ready),
            ]
        )
        self._runner = web.AppRunner(self._app, access_log=None, keepalive_timeout=HEADER_SECONDS)
        self._connections = Connections(self._runner)

    def add(self, routes: list[web.RouteDef]) -> None:
        """Add pages."""
        self._app.add_routes(routes)

    async def start(self, listening: socket.socket) -> None:
        """Answer what comes in on a socket that listens."""
        await self._runner.setup()
        await self._connections.start(listening)

    async def stop(self) -> None:
        """Stop listening."""
        self._connections.stop()
        await self._runner.cleanup()

    async def _get_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": METRICS_TYPE})

    async def _get_health(self, _request: web.Request) -> web.Response:
        """200 unless a partition is stuck although a broker answers; see the head of this file."""
        if self._owners is None:
            return web.json_response({"alive": True, "waiting_for": "a broker"})
        if self._owners.ending:
            return web.json_response({"alive": False, "problem": self._owners.problem}, status=503)
        stuck = self._owners.stuck(STUCK_AFTER)
        if stuck and not await self._owners.broker_answers():
            return web.json_response({"alive": True, "waiting_for": "a broker"})
        return web.json_response({"alive": not stuck, "stuck": stuck}, status=503 if stuck else 200)

    async def _get_ready(self, _request: web.Request) -> web.Response:
        """200 once every partition that the group assigned is restored and being served."""
        owners = self._owners
        ready = owners is not None and owners.ready
        assigned = owners is not None and owners.assigned
        restoring = [] if owners is None else owners.waiting_for()
        body: dict[str, object] = {"ready": ready, "assigned": assigned, "restoring": restoring}
        if owners is not None and owners.replaced:
            # Their partitions stand still until somebody decides: see the runbook.
            body["replaced"] = owners.replaced
        problem = self.waiting if owners is None else owners.problem or owners.undeployed
        if problem is not None:
            body["problem"] = problem
        return web.json_response(body, status=200 if ready else 503)
