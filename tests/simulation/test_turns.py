"""Partitions of a worker commit one after the other, and none waits long for another."""

import asyncio
import random

import pytest

from streams.worker.context import Limits
from streams.worker.turns import PATIENCE, Turns
from tests.benchmarks.live import click
from tests.simulation import network
from tests.simulation.clock import run
from tests.simulation.kafka import Kafka
from tests.simulation.network import Network
from tests.simulation.quiet import play
from tests.simulation.schedule import ENGINE, RULES, START
from tests.simulation.worker import GROUP, Table, Worker

EVENTS = 300
QUICK = 0.0005
"""Seconds that a request takes: a transaction is over in a quarter of the patience."""


def together() -> list[bool]:
    """Have a worker with two partitions take in events; tells for each written record whether both transactions are open."""
    seen: list[bool] = []

    async def work(kafka: Kafka) -> None:
        kafka.later = asyncio.get_running_loop().call_later
        lines = Network(kafka, random.Random(1))
        lines.trouble = 0.0
        worker = Worker(lines, "w", RULES, ENGINE, Limits(1000, 0.1, event_clock=False), Table(), 2)
        worker.assign([0, 1])
        await asyncio.sleep(1)
        kafka.watchers.append(
            lambda: seen.append(all(kafka.transactions[f"{GROUP}-{n}"].ongoing for n in (0, 1)))
        )
        for number in range(EVENTS):
            customer, now = f"c{number}", START + int(asyncio.get_running_loop().time() * 1000)
            row = customer.encode(), click(f"e-{number}", customer, now), ()
            kafka.append(("clickstream", number % 2), [row], now)
            await asyncio.sleep(0.003)
        # The fetcher loses some of the runs; an idle partition looks for them every thirty seconds.
        await asyncio.sleep(40)
        assert [kafka.committed["clickstream", number] for number in (0, 1)] == [EVENTS / 2] * 2
        worker.kill()

    play(work)
    return seen


@pytest.mark.parametrize("takes_turns", [True, False])
def test_two_partitions_do_not_commit_at_the_same_time(
    takes_turns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While both have events all the time; without patience their transactions overlap."""
    monkeypatch.setattr(network, "USUALLY", QUICK)
    if not takes_turns:
        monkeypatch.setattr(Turns.__init__, "__defaults__", (0.0,))
    assert any(together()) is not takes_turns


def test_turns_are_taken_in_the_order_of_asking() -> None:
    """Whoever has waited longest goes next."""

    async def story() -> list[int]:
        turns, order = Turns(patience=1.0), list[int]()

        async def commit(number: int) -> None:
            assert await turns.take()
            order.append(number)
            await asyncio.sleep(0.01)
            turns.give()

        await asyncio.gather(*map(commit, range(5)))
        return order

    assert run(story()) == [0, 1, 2, 3, 4]


def test_a_commit_that_hangs_holds_up_nobody_for_longer_than_the_patience() -> None:
    """The others go on without a turn, each after its own wait, and take turns again when it is over."""

    async def story() -> list[float]:
        turns, waited = Turns(), list[float]()
        assert await turns.take()

        async def commit() -> None:
            began = asyncio.get_running_loop().time()
            assert not await turns.take()
            waited.append(asyncio.get_running_loop().time() - began)

        await asyncio.gather(commit(), commit())
        await commit()
        turns.give()
        assert await turns.take()
        return waited

    assert run(story()) == pytest.approx([PATIENCE] * 3)


def test_who_is_cancelled_while_it_waits_takes_nobodys_turn() -> None:
    """The partition is taken away meanwhile: the next one goes."""

    async def story() -> bool:
        turns = Turns(patience=1.0)
        assert await turns.take()
        waits = [asyncio.ensure_future(turns.take()) for _ in range(2)]
        await asyncio.sleep(0.01)
        turns.give()
        waits[0].cancel()
        return await waits[1]

    assert run(story())
