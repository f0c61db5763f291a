"""Fetches from a broker begin a few milliseconds apart."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from streams.transport.pace import spaced
from tests.simulation.clock import run

BETWEEN = 0.005
TAKES = 0.002
"""Seconds of a fetch."""


def begun(story: Callable[[Any], Coroutine[Any, Any, None]]) -> list[tuple[float, int]]:
    """When, in made-up time, a fetch from which broker began, of a story that is given the spaced method."""
    found: list[tuple[float, int]] = []

    async def fetch(_assignment: Any, node: int, _request: Any) -> bool:
        found.append((round(asyncio.get_running_loop().time(), 6), node))
        await asyncio.sleep(TAKES)
        return True

    run(story(spaced(fetch, BETWEEN)))
    return found


def test_fetches_that_follow_at_once_are_spaced():
    """The first is not held up; the next ones begin five milliseconds after each other."""

    async def story(fetch: Any) -> None:
        await asyncio.sleep(1)
        assert [await fetch(None, 1, None) for _ in range(3)] == [True] * 3

    assert begun(story) == [(1.0, 1), (1.005, 1), (1.01, 1)]


def test_a_fetch_after_a_rest_is_not_held_up():
    """Records that come one at a time are fetched as soon as before."""

    async def story(fetch: Any) -> None:
        await asyncio.sleep(1)
        for _ in range(2):
            await fetch(None, 1, None)
            await asyncio.sleep(0.2)

    assert [at for at, _ in begun(story)] == [1.0, 1.202]


def test_brokers_are_spaced_apart_from_each_other():
    """A fetch from one broker holds up none from another."""

    async def story(fetch: Any) -> None:
        await asyncio.sleep(1)
        await asyncio.gather(fetch(None, 1, None), fetch(None, 2, None))

    assert begun(story) == [(1.0, 1), (1.0, 2)]


def test_a_wait_that_is_cancelled_brings_nothing():
    """As aiokafka's own method, which is cancelled when the assignment is over."""

    async def story(fetch: Any) -> None:
        await asyncio.sleep(1)
        await fetch(None, 1, None)
        waiting = asyncio.ensure_future(fetch(None, 1, None))
        await asyncio.sleep(0.001)
        waiting.cancel()
        assert await waiting is False

    assert len(begun(story)) == 1


@pytest.mark.parametrize("error", [ConnectionError, asyncio.CancelledError])
def test_what_ends_a_fetch_ends_the_spaced_one(error: type[BaseException]):
    """It is aiokafka's to handle."""

    async def failing(*_arguments: Any) -> bool:
        raise error

    async def story() -> None:
        with pytest.raises(error):
            await spaced(failing)(None, 1, None)

    run(story())
