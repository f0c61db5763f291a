"""The workers of the group, as the broker knows them: who serves what, and which partitions nobody serves."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from kafka.errors import KafkaError

from streams.errors import StreamsError
from streams.kafka.group import standing
from streams.kafka.topics import INPUTS
from streams.settings.settings import Settings

log = logging.getLogger(__name__)

EVERY = 3.0
"""Seconds between two looks: a rebalance takes longer."""


@dataclass(frozen=True, slots=True)
class Group:
    """The workers at one moment."""

    owners: Mapping[int, str] = field(default_factory=dict)
    """For each partition that is served the address, host:port, that its worker announces."""
    workers: tuple[str, ...] = ()
    exists: bool = False
    """Whether the group has members, or has committed anything."""

    def unserved(self, count: int) -> tuple[int, ...]:
        """The partitions that nobody serves; none in a group that never was."""
        return tuple(number for number in range(count) if number not in self.owners) if self.exists else ()


class Workers:
    """Looks at the group again and again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.group = Group()
        self._looking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Look for ever; while no broker answers the group is as it was."""
        while True:
            await self.look_again()
            await asyncio.sleep(EVERY)

    async def look_again(self) -> None:
        """Look now; who asks while somebody looks gets what that one sees."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        await asyncio.shield(self._looking)

    async def _look(self) -> None:
        try:
            self.group = await asyncio.to_thread(self.look)
        except (StreamsError, KafkaError, OSError) as error:
            log.debug("the group can't be looked at: %r", error)

    def look(self) -> Group:
        """The group as it is now."""
        exists, members = standing(self._settings)
        owners = {
            number: where
            for where, assigned in members
            for topic, number in assigned
            if topic == INPUTS[0] and where is not None
        }
        return Group(owners, tuple(sorted(where for where, _ in members if where is not None)), exists)
