"""The page /census: all customers of the partitions served here, counted beside the worker's own work.

A count is begun by whoever asks, unless one was begun within ten minutes: then that one is told, how far it is or what
it found.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from segments.engine import Partition, of_customer
from segments.insight.census import Census, added
from streams.http.answers import Allowed, Owned, refused

EVERY = 600.0
"""Seconds between the beginnings of two counts."""
SLICE, REST = 0.005, 0.005
"""Seconds of counting, and of rest after it, so that no more than half of a core's Python is taken from the worker."""
NOBODY = b""
"""No customer has an empty id: of nobody each rule still says its conditions."""

Keys = Callable[[int], Iterable[bytes]]


@dataclass(slots=True)
class _Count:
    """A count: how far it is, and what was found."""

    began: float
    partitions: list[int]
    done: int = 0
    total: int = 0
    found: dict[str, Any] | None = None
    problem: str | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Censuses:
    """Counts, one at a time."""

    def __init__(self, owned: Owned, keys: Keys, count: int, allowed: Allowed) -> None:
        """Count the partitions that `owned` knows, of `count`, whose customers' keys `keys` tells."""
        self._owned, self._keys, self._partitions, self._allowed = owned, keys, count, allowed
        self._count: _Count | None = None

    def routes(self) -> list[web.RouteDef]:
        """The page."""
        return [web.get("/census", self._get)]

    async def _get(self, request: web.Request) -> web.Response:
        """What was counted, or how far the count is; `begin` begins one if none was begun within ten minutes."""
        if (refusal := self._allowed(request)) is not None:
            return refusal
        count, now = self._count, time.monotonic()
        if "begin" in request.query and (count is None or self._over(count, now)):
            served = [number for number in range(self._partitions) if self._owned(number) is not None]
            count = self._count = _Count(now, served)
            count.task = asyncio.create_task(self._run(count))
        if count is None:
            return refused(404, "Nothing was counted yet: ask with ?begin=1.")
        return web.json_response(
            {
                "partitions": count.partitions,
                "done": count.done,
                "total": count.total,
                "seconds_ago": now - count.began,
                "found": count.found,
                "problem": count.problem,
            }
        )

    def _over(self, count: _Count, now: float) -> bool:
        """Whether another count may begin: this one is ten minutes old, or it failed, and has ended."""
        ended = count.task is None or count.task.done()
        return ended and (now - count.began >= EVERY or count.problem is not None)

    async def _run(self, count: _Count) -> None:
        try:
            count.found = await asyncio.to_thread(self._counted, count)
        except Exception as error:  # noqa: BLE001 - the caller gets it
            count.problem = repr(error)

    def _counted(self, count: _Count) -> dict[str, Any]:
        keys = {
            number: [key for key in self._keys(number) if of_customer(key)] for number in count.partitions
        }
        count.total = sum(map(len, keys.values()))
        told = []
        for number, customers in keys.items():
            partition = self._owned(number)
            if partition is None:
                raise LookupError(f"partition {number} went to another worker meanwhile: ask again")
            told.append(self._of_partition(partition, customers, count))
        return added(told)

    def _of_partition(self, partition: Partition, customers: list[bytes], count: _Count) -> dict[str, Any]:
        census = Census(partition.rules, partition.why(NOBODY)["rules"])
        until = time.monotonic() + SLICE
        for key in customers:
            census.note(partition.why(key))
            count.done += 1
            if time.monotonic() >= until:
                time.sleep(REST)
                until = time.monotonic() + SLICE
        return census.told()
