"""What a process that delivers tells over HTTP: its metrics, that it lives, and whether it is ready."""

import socket

from aiohttp import web

from streams.delivery.service import Service
from streams.telemetry.delivery import DeliveryMetrics

METRICS_TYPE = "text/plain; version=0.0.4"


class Server:
    """Serves /metrics, /healthz and /readyz; none of them says anything of a customer."""

    def __init__(self, metrics: DeliveryMetrics, service: Service) -> None:
        self._metrics = metrics
        self._service = service
        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", self._get_metrics),
                web.get("/healthz", self._get_health),
                web.get("/readyz", self._get_ready),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self, listening: socket.socket) -> None:
        """Answer what comes in on a socket that listens."""
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _get_metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": METRICS_TYPE})

    async def _get_health(self, _request: web.Request) -> web.Response:
        """200: a process that hangs does not answer, and a destination that is away is no reason for a restart."""
        return web.json_response({"alive": True})

    async def _get_ready(self, _request: web.Request) -> web.Response:
        """200 once memberships and consents are read, and deliveries have begun."""
        return web.json_response({"ready": self._service.ready}, status=200 if self._service.ready else 503)
