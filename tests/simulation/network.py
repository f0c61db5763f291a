"""What lies between a worker and Kafka: requests and answers that take their time, get lost, and arrive after a death."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

from tests.simulation.kafka import Kafka

USUALLY = 0.004
"""Seconds that a request or an answer takes in the mean."""


class Network:
    """Carries requests. Its chances are those of the seed."""

    def __init__(self, kafka: Kafka, chance: random.Random) -> None:
        self.kafka, self.chance = kafka, chance
        self.trouble = 0.02
        """How many requests, and answers, are lost, or very late."""
        self.repeats = 0.0
        """How many requests to commit come once more, much later: sent twice, as the first seemed lost (KIP-890)."""
        self.back = asyncio.Event()
        """Whether the broker is there."""
        self.back.set()

    async def travel(self) -> None:
        """Be on the way."""
        seconds = self.chance.expovariate(1 / USUALLY)
        if self.chance.random() < self.trouble:
            seconds += self.chance.choice((0.5, 3.0, 12.0))
        await asyncio.sleep(seconds)

    async def request(self, process: "Process", action: Callable[[], Any]) -> Any:
        """Have something done by the broker, once; what is lost on the way is sent again, as aiokafka does.

        It is done even if the process that asked has died meanwhile.
        """
        answer = asyncio.get_running_loop().create_future()
        carrier = asyncio.get_running_loop().create_task(self._carry(action, answer))
        process.carriers.add(carrier)
        carrier.add_done_callback(process.carriers.discard)
        result = await answer
        await process.awake()
        return result

    def repeat(self, action: Callable[[], Any]) -> None:
        """Have it done once more, perhaps, when nobody expects it any longer."""
        if self.repeats and self.chance.random() < self.repeats:
            asyncio.get_running_loop().call_later(self.chance.random() * 2, _outcome, action)

    async def _carry(self, action: Callable[[], Any], answer: "asyncio.Future[Any]") -> None:
        done: list[Any] = []
        while not answer.done():
            await self.travel()
            await self.back.wait()
            if self.chance.random() < self.trouble:
                await asyncio.sleep(0.1)
                continue
            if not done:
                done = [_outcome(action)]
            await self.travel()
            if self.chance.random() >= self.trouble and not answer.done():
                error, result = done[0]
                answer.set_exception(error) if error is not None else answer.set_result(result)
                # Whoever asked may have died.
                answer.exception()
                return


def _outcome(action: Callable[[], Any]) -> tuple[Exception | None, Any]:
    try:
        return None, action()
    except Exception as error:  # noqa: BLE001 - an answer too
        return error, None


class Process:
    """A process that may be paused or dead: what it waits for then never comes back to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.carriers: set[asyncio.Task[None]] = set()
        self._runs = asyncio.Event()
        self._runs.set()

    @property
    def paused(self) -> bool:
        """Whether it was stopped where it is."""
        return not self._runs.is_set()

    def pause(self) -> None:
        """Stop it where it is."""
        self._runs.clear()

    def wake(self) -> None:
        """Let it go on."""
        self._runs.set()

    async def awake(self) -> None:
        """Go on only if this process does; what is dead never does."""
        await self._runs.wait()
        if not self.alive:
            await asyncio.get_running_loop().create_future()
