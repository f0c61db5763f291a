"""An event loop whose time is made up: when nobody has anything to do, it jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Stuck(Exception):
    """Everybody waits, and no timer would ever wake anyone."""


class _Jump(selectors.SelectSelector):
    """Waits for nothing: time passes at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Let the time pass that the loop would have slept."""
        if timeout is None:
            raise Stuck
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Has a clock of its own, which begins at 0."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._jump.now


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end in made-up time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
