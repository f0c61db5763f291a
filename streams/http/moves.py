"""The page /moves: who would flip if a rule set took the partitions served here over now; nothing is written.

The engine counts over the committed states in threads of their own, without the GIL, while the partitions go on. These
threads give way to those of the partitions: see `BEHIND`.
"""

import asyncio
import base64
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from segments.engine import CommittedStates, Moves, PlannedRules, States
from streams.http.answers import Allowed, Owned, refused

LARGEST = 12_582_912
"""Bytes of a question: a deployment has at most 8 MB, in base64 a third more."""
BEHIND = 5
"""How much nicer a thread that counts is than the others: where both want a core it gets a quarter of it."""
SLICE = 2_000
"""Customers counted before a thread looks whether the count still matters: some ten milliseconds."""
OF_PYTHON = 100
"""The same of states that are read by Python, with the GIL: the thread then rests for as long as it took."""

StatesOf = Callable[[int], CommittedStates | None]
"""The committed states of a partition, None where this worker doesn't serve it."""

RulesOf = Callable[[bytes], PlannedRules]
"""The rules of a deployment as its topic has it; raises ValueError if they can't be read."""


class _Gone(Exception):
    """A partition can't be counted to the end; the message says why."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks for."""

    partitions: list[int]
    rules: PlannedRules
    uncounted: set[str]


class MovesPage:
    """Counts, one request after the other."""

    def __init__(
        self, owned: Owned, states: StatesOf, rules_of: RulesOf, count: int, threads: int, allowed: Allowed
    ) -> None:
        """Count the partitions that `owned` knows, of `count`, in so many threads at once."""
        self._rules_of = rules_of
        self._owned, self._states, self._partitions, self._allowed = owned, states, count, allowed
        self._threads = ThreadPoolExecutor(threads, "moves", initializer=_give_way)
        self._turn = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """The page.

        The body is an object: `deployment`, as its topic has it, in base64, of which the plan and the borders count;
        `partitions`; and `uncounted`, segments whose flips make nobody a customer who moves. It answers with
        `partitions`, which has for each one by its number `customers`, by segment `members`, `enters` and `exits`, and
        how many customers `moved`. No customer is named.
        """
        return [web.post("/moves", self._post)]

    async def _post(self, request: web.Request) -> web.Response:
        if (refusal := self._allowed(request)) is not None:
            return refusal
        try:
            asked = await _asked(request, self._rules_of)
        except (ValueError, KeyError, TypeError) as error:
            return refused(400, f"This is no deployment that can be counted here: {error}")
        if strange := [each for each in asked.partitions if self._owned(each) is None]:
            return refused(404, f"This worker does not serve partition {strange[0]}.")
        try:
            async with self._turn:
                found = await asyncio.gather(*(self._counted(each, asked) for each in asked.partitions))
        except (_Gone, ValueError) as error:
            return refused(503, f"{error} Ask again.")
        return web.json_response({"partitions": dict(zip(map(str, asked.partitions), found, strict=True))})

    async def _counted(self, number: int, asked: _Asked) -> dict[str, Any]:
        partition, states = self._owned(number), self._states(number)

        def goes_on() -> bool:
            return partition is not None and self._owned(number) is partition

        if states is None or not goes_on():
            raise _gone(number)
        # Not in the threads that give way: the keys are read under the lock by which the partition writes.
        moves = await asyncio.to_thread(Moves, asked.rules.native, self._partitions, states, asked.uncounted)
        await _run(self._threads, moves, goes_on, resting=not isinstance(states, States))
        if not goes_on():
            raise _gone(number)
        return moves.told()


async def _asked(request: web.Request, rules_of: RulesOf) -> _Asked:
    said = json.loads(await _body(request))
    rules = await asyncio.to_thread(rules_of, base64.b64decode(said["deployment"]))
    return _Asked([int(each) for each in said["partitions"]], rules, set(said["uncounted"]))


async def _body(request: web.Request) -> bytes:
    """The body, which may be longer than that of other requests."""
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes.")
    return bytes(body)


async def _run(threads: Executor, moves: Moves, goes_on: Callable[[], bool], *, resting: bool) -> None:
    """Count to the end, or until the partition is another one's."""

    def run() -> None:
        more = True
        while more and goes_on():
            began = time.monotonic()
            more = moves.advance(OF_PYTHON if resting else SLICE)
            if resting:
                time.sleep(time.monotonic() - began)

    await asyncio.get_running_loop().run_in_executor(threads, run)


def _give_way() -> None:
    """Let the threads of the partitions go first; only Linux has a niceness for each thread."""
    if sys.platform == "linux":
        os.setpriority(
            os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + BEHIND
        )


def _gone(number: int) -> _Gone:
    return _Gone(f"Partition {number} went to another rule set or worker meanwhile.")
