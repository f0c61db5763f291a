"""The clock of a delivery: a seam, so that a test lets a day pass in a second."""

import asyncio
from typing import Protocol

from streams.clock import wall_clock


class Clock(Protocol):
    """Tells the time, and waits."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        ...

    async def wait(self, event: asyncio.Event, until: int | None) -> None:
        """Return when the event is set, or at an instant at the latest."""
        ...


class WallClock:
    """The clock of the machine."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        return wall_clock()

    async def wait(self, event: asyncio.Event, until: int | None) -> None:
        """Return when the event is set, or at an instant at the latest."""
        seconds = None if until is None else max(0.0, (until - wall_clock()) / 1000)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
