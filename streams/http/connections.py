"""The connections of a worker's HTTP server: few at a time, none that says nothing.

Who opens connections and sends no request would otherwise hold them for ever. With enough of them no file descriptor is
left, and `/healthz` no longer answers: a supervisor then kills a worker that works.
"""

import asyncio
import socket

from aiohttp import web

HEADER_SECONDS = 5.0
"""In which a request's header must have come, and for which a connection stays open for a next request. A scrape or a
probe on the same network needs milliseconds."""

MOST = 100
"""Connections at a time. Two probes, a scrape and some questions are a dozen; of the 1,024 descriptors that a process
usually has, RocksDB takes most."""


class Connections:
    """Accepts connections for the runner of an application; of too many, the oldest gives way to the newest."""

    def __init__(self, runner: web.AppRunner) -> None:
        """Accept for a runner that is set up; its `keepalive_timeout` ends those who send no whole header."""
        self._runner = runner
        self._listener: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Accept what comes in on a socket that listens."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._accepted, sock=listening)

    def stop(self) -> None:
        """Accept no more."""
        if self._listener is not None:
            self._listener.close()

    def _accepted(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None:
            raise RuntimeError("the runner is not set up, or has been cleaned up")
        held = server.connections
        # Those closed here count until their end is noticed: told again, they do nothing more.
        for oldest in held[: max(0, len(held) - MOST + 1)]:
            oldest.force_close()
        return server()
