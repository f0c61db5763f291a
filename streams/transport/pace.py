"""Spaces the fetches of a consumer, so that each brings records of several partitions.

A broker answers a fetch as soon as one partition has a record. Where records come in all partitions a few hundred
times a second, that would be a fetch for each few of them, and a fetch costs both sides more than a record does.
"""

# ruff: noqa: SLF001  aiokafka has no option for this

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer

BETWEEN = 0.005
"""Seconds between the beginnings of two fetches at least: for as long as Java's producer gathers what it sends. A
record waits half of it in the mean, and only where there was a fetch just before."""


def space(consumer: AIOKafkaConsumer) -> None:
    """Space the fetches of a consumer that was started."""
    fetcher: Any = consumer._fetcher
    fetcher._proc_fetch_request = spaced(fetcher._proc_fetch_request)


def spaced(fetch: Callable[..., Awaitable[bool]], between: float = BETWEEN) -> Callable[..., Awaitable[bool]]:
    """Return aiokafka's method that fetches once from a broker, with a wait before it if there was a fetch just now.

    Whatever changes meanwhile is as if it had changed while the request was on its way: aiokafka drops an answer for
    another position or an assignment that is over, and cancels what is under way.
    """
    begun: dict[int, float] = {}

    async def fetch_spaced(assignment: Any, node: int, request: Any) -> bool:
        loop = asyncio.get_running_loop()
        wait = begun.get(node, 0.0) + between - loop.time()
        if wait > 0:
            try:
                await asyncio.sleep(wait)
            except asyncio.CancelledError:
                # The same that the method does: the assignment is over.
                return False
        begun[node] = loop.time()
        return await fetch(assignment, node, request)

    return fetch_spaced
