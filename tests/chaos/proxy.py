"""A TCP proxy that stands between the workers and the broker, reads along, and cuts or holds what it is told to.

It knows just enough of Kafka's protocol: the header of a request, and for those of a transaction whose it is. So it can
tell what a worker was doing when a fault struck it, and cut a connection in the very middle of a commit.
"""

import asyncio
import random
import struct
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import uvloop

from tests.chaos.phases import ADD, ADD_OFFSETS, COMMIT_OFFSETS, END, INIT, JOIN, PRODUCE, Journal

TRANSACTIONAL = {PRODUCE: 9, INIT: 2, ADD: 3, ADD_OFFSETS: 3, END: 3, COMMIT_OFFSETS: 3}
"""Requests that begin with a transactional id, and their first versions with texts of another form (KIP-482)."""

CUT_BEFORE, CUT_AFTER, HOLD, HOLD_ANSWER = "cut_before", "cut_after", "hold", "hold_answer"


class Request(NamedTuple):
    """What the header of a request tells."""

    api: int
    correlation: int
    client: str
    transactional_id: str

    @classmethod
    def of(cls, frame: bytes) -> "Request":
        """Read the header behind the size."""
        api, version, correlation, length = struct.unpack_from(">hhih", frame, 4)
        after = 14 + max(0, length)
        client = frame[14:after].decode(errors="replace")
        name = ""
        if api in TRANSACTIONAL and version >= TRANSACTIONAL[api]:
            # One byte of tags, which are none; then the length and one more, in one byte up to 127.
            size = frame[after + 1] - 1
            name = frame[after + 2 : after + 2 + max(0, size)].decode(errors="replace")
        elif api in TRANSACTIONAL:
            size = struct.unpack_from(">h", frame, after)[0]
            name = frame[after + 2 : after + 2 + max(0, size)].decode(errors="replace")
        return cls(api, correlation, client, name)


@dataclass(slots=True)
class Trap:
    """What to do with the next request of a kind."""

    api: int
    action: str
    seconds: float = 0.0
    sprung: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    """Ends a hold before its time."""
    at: float = 0.0
    client: str = ""


@dataclass(slots=True, eq=False)
class Link:
    """One connection of a client, and its counterpart to the broker."""

    client: asyncio.StreamWriter
    broker: asyncio.StreamWriter
    asked: dict[int, Request] = field(default_factory=dict)
    cut_at: int | None = None
    """The correlation id whose response is not to arrive."""
    hold: tuple[int, float] = (-1, 0.0)
    """The correlation id whose response is to arrive so many seconds late."""
    joins: bool = False
    """Whether this connection is that of a member of a group."""

    def close(self) -> None:
        """Cut both ends, without a farewell."""
        for writer in (self.client, self.broker):
            writer.transport.abort()


class Proxy:
    """Listens on one port and passes everything on to another, in a thread of its own."""

    def __init__(self, port: int, upstream: int) -> None:
        """Listen at once; what it is to pass on to may come later."""
        self.port, self._upstream = port, upstream
        self.journal = Journal()
        self.trap: Trap | None = None
        self.latency = 0.0
        """Seconds, at most, by which the answers to a transaction come later, as from brokers that replicate."""
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._call(self._listen()).result(10)

    def _call(self, what: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(what, self._loop)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 20)

    def set(self, trap: Trap) -> Trap:
        """Wait for the next request of a kind."""
        self.trap = trap
        return trap

    def cut_all(self) -> int:
        """Cut every connection there is; returns how many."""
        count = len(self._links)
        self._loop.call_soon_threadsafe(lambda: [link.close() for link in list(self._links)])
        return count

    def stop(self) -> None:
        """Cut everything and listen no more."""
        self._call(self._end()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for link in list(self._links):
            link.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(task := asyncio.current_task())  # type: ignore[arg-type]
        try:
            await self._connect(reader, writer)
        except asyncio.CancelledError:
            return
        finally:
            writer.transport.abort()
            self._tasks.discard(task)  # type: ignore[arg-type]

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection("127.0.0.1", self._upstream, limit=1 << 20)
        except OSError:
            return
        link = Link(writer, upstream[1])
        self._links.add(link)
        pumps = [
            asyncio.ensure_future(self._requests(link, reader)),
            asyncio.ensure_future(self._answers(link, upstream[0])),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._links.discard(link)
            await self._let_go(link, pumps)

    async def _let_go(self, link: Link, pumps: list["asyncio.Future[None]"]) -> None:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        link.close()

    async def _requests(self, link: Link, reader: asyncio.StreamReader) -> None:
        while (frame := await _frame(reader)) is not None:
            request = Request.of(frame)
            link.asked[request.correlation] = request
            link.joins = link.joins or request.api == JOIN
            trap = self._springs(request)
            if trap is not None and not await self._caught(link, trap, request, frame):
                return
            self.journal.asked(request.client, request.api, request.transactional_id)
            link.broker.write(frame)
            await link.broker.drain()

    def _springs(self, request: Request) -> Trap | None:
        trap = self.trap
        if trap is None or trap.api != request.api or (trap.client and trap.client not in request.client):
            return None
        self.trap = None
        trap.at = self.journal.now()
        trap.client = request.client
        return trap

    async def _caught(self, link: Link, trap: Trap, request: Request, frame: bytes) -> bool:
        """Do what the trap says; False if the connection is no more."""
        trap.sprung.set()
        if trap.action == CUT_AFTER:
            link.cut_at = request.correlation
        elif trap.action == HOLD_ANSWER:
            link.hold = (request.correlation, trap.seconds)
        elif trap.action == CUT_BEFORE:
            link.close()
            trap.done.set()
            return False
        else:
            # What is on its way arrives late, even if whoever sent it has hung up meanwhile.
            await asyncio.shield(self._later(link, trap, frame))
            return False
        return True

    async def _later(self, link: Link, trap: Trap, frame: bytes) -> None:
        await asyncio.to_thread(trap.release.wait, trap.seconds)
        link.broker.write(frame)
        await link.broker.drain()
        trap.done.set()
        await asyncio.sleep(0.2)

    async def _answers(self, link: Link, reader: asyncio.StreamReader) -> None:
        while (frame := await _frame(reader)) is not None:
            correlation = struct.unpack_from(">i", frame, 4)[0]
            request = link.asked.pop(correlation, None)
            if link.cut_at == correlation:
                link.close()
                return
            if link.hold[0] == correlation:
                await asyncio.sleep(link.hold[1])
            if request is not None:
                if self.latency and request.api in (ADD, COMMIT_OFFSETS, END):
                    await asyncio.sleep(self.latency * random.random())
                self.journal.answered(request.client, request.api, request.transactional_id, link.joins)
            link.client.write(frame)
            await link.client.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """One message with its size in front; None at the end of the connection."""
    try:
        head = await reader.readexactly(4)
        return head + await reader.readexactly(struct.unpack(">i", head)[0])
    except (OSError, asyncio.IncompleteReadError):
        return None
