"""Closing connections to brokers without waiting for the brokers to agree.

TLS is closed by both sides, and a broker looks at a connection only when it has answered what it was asked there. It
may hold a fetch for half a second, and sometimes it does not look at all: asyncio and uvloop wait 30 seconds. What was
read is read by then, and what was asked is given up, so nobody has to wait. A partition that is taken over must not.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer

log = logging.getLogger(__name__)

PATIENCE = 0.2
"""Seconds in which a connection is closed that nothing hinders; the closing of others goes on by itself."""

_closing: set[asyncio.Task[Any]] = set()
"""Tasks that run on: asyncio itself holds only weak references."""


async def closed(closing: Coroutine[Any, Any, Any]) -> None:
    """Run ``client.stop()`` or the like, and wait `PATIENCE` for it. Its error is only logged."""
    task = asyncio.create_task(closing, name="closing")
    _closing.add(task)
    task.add_done_callback(_done)
    await asyncio.wait({task}, timeout=PATIENCE)


async def started(client: AIOKafkaConsumer) -> AIOKafkaConsumer:
    """Start a client, and return it; one that can't be started is closed first. Raises what its start raises."""
    try:
        await client.start()
    except BaseException:
        await closed(client.stop())
        raise
    return client


def _done(task: "asyncio.Task[Any]") -> None:
    _closing.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        log.debug("closing a connection: %r", error)
