"""The page /worths: what measures come to for the customers of a partition, to learn borders from all of them."""

import asyncio
import base64
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from segments.engine import Partition, of_customer
from segments.insight.ranking import packed
from streams.http.answers import Allowed, Owned, refused

SLICE, REST = 0.005, 0.005
"""Seconds of counting, and of rest after it, so that no more than half of a core is taken from the worker."""
AT_ONCE = 50
"""Customers between two looks at the time."""
PATIENCE = 30.0
"""Seconds in which what is due must have fired: a worker fires it by itself."""

Keys = Callable[[int], Iterable[bytes]]


class _Busy(Exception):
    """The partition can't be asked now; the message says why."""


def routes(owned: Owned, keys: Keys, allowed: Allowed) -> list[web.RouteDef]:
    """The page: `partition`, `measure` (several), and `consent`, without which a customer does not count.

    It answers with the `clock`, since when each measure knows events (`known_since`), and its `values` without zeros:
    ascending, in millionths, packed, in base64. No customer is named.
    """

    async def answer(request: web.Request) -> web.Response:
        if (refusal := allowed(request)) is not None:
            return refusal
        number, measures = int(request.query["partition"]), request.query.getall("measure", [])
        partition = owned(number)
        if partition is None:
            return refused(404, f"This worker does not serve partition {number}.")
        unknown = [each for each in measures if not partition.measures(each)]
        if unknown:
            return refused(404, f"The rules that run do not measure {unknown[0]}.")
        consent = request.query.get("consent")
        try:
            found = await asyncio.to_thread(_asked, partition, list(keys(number)), measures, consent)
        except _Busy as busy:
            return refused(503, str(busy))
        if owned(number) is not partition:
            return refused(
                503, f"Partition {number} went to another rule set or worker meanwhile: ask again."
            )
        return web.json_response(found)

    return [web.get("/worths", answer)]


def _asked(
    partition: Partition, keys: list[bytes], measures: list[str], consent: str | None
) -> dict[str, Any]:
    if partition.sweeping:
        raise _Busy(f"Partition {partition.number} takes a rule set over: ask again.")
    found: list[list[int]] = [[] for _ in measures]
    left, until, end = [key for key in keys if of_customer(key)], time.monotonic() + SLICE, None
    while left:
        later: list[bytes] = []
        for start in range(0, len(left), AT_ONCE):
            values, due = partition.worths(left[start : start + AT_ONCE], measures, consent)
            for held, fresh in zip(found, values, strict=True):
                held.extend(fresh)
            later += due
            if time.monotonic() >= until:
                time.sleep(REST)
                until = time.monotonic() + SLICE
        left, end = later, end or time.monotonic() + PATIENCE
        if left and time.monotonic() >= end:
            raise _Busy(f"Partition {partition.number} is behind its clock: ask again.")
    return {
        "clock": partition.clock,
        "known_since": {name: since for name in measures if (since := partition.since(name)) is not None},
        "values": {
            name: base64.b64encode(packed(values)).decode()
            for name, values in zip(measures, found, strict=True)
        },
    }
