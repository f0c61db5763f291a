"""Finding out about schema ids while a worker runs: off its event loop, until the registry answers.

A record whose id nobody here has seen yet waits, and with it the rest of its partition, since order must hold. The
ids that are known need no registry, so partitions without new ids go on while it is away.
"""

import asyncio
import logging

from segments.engine import Records
from streams.errors import RegistryAway, RegistryError
from streams.registry.registry import Registry

log = logging.getLogger(__name__)

AGAIN = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts; the last one counts for all that follow."""


class Lookup:
    """Asks for each id of a topic once, however many partitions wait for it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._asking: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._away = False

    def first_unsettled(self, topic: str, records: Records) -> tuple[int, int] | None:
        """The place of the first record whose id the registry must be asked about, and the id."""
        found = records.ids()
        asked = self._registry.unsettled(topic, (b"\0" + number.to_bytes(4, "big") for _, number in found))
        return next((each for each in found if each[1] in asked), None)

    def first_unsettled_within(self, records: Records) -> tuple[int, str, int] | None:
        """Of a run of transfers: the place of the first that passes on a record with such an id, its topic, the id."""
        for place, topic, number in records.passed_on():
            if list(self._registry.unsettled(topic, [b"\0" + number.to_bytes(4, "big")])):
                return place, topic, number
        return None

    def settle(self, topic: str, number: int) -> asyncio.Task[None]:
        """Ask about an id; the task is done when there is an answer, and never fails."""
        asked = topic, number
        if asked not in self._asking:
            task = asyncio.create_task(self._ask_until_answered(*asked), name=f"schema-id-{number}")
            task.add_done_callback(lambda _done: self._asking.pop(asked))
            self._asking[asked] = task
        return self._asking[asked]

    async def _ask_until_answered(self, topic: str, number: int) -> None:
        attempt = 0
        while True:
            try:
                why = await asyncio.to_thread(self._registry.learn, topic, number)
            except (RegistryAway, RegistryError) as error:
                self._say_away(topic, number, error)
            else:
                self._say_answered(topic, number, why)
                return
            await asyncio.sleep(AGAIN[min(attempt, len(AGAIN) - 1)])
            attempt += 1

    def _say_away(self, topic: str, number: int, error: Exception) -> None:
        if not self._away:
            log.error("%s; records of %s with schema id %d wait until it does", error, topic, number)
        self._away = True

    def _say_answered(self, topic: str, number: int, why: str | None) -> None:
        if self._away:
            log.warning("the schema registry answers again")
        self._away = False
        if why is None:
            log.info("%s: schema id %d can be read", topic, number)
        else:
            log.warning("%s: schema id %d %s; its records go to dead-letters", topic, number, why)
