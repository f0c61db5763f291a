"""A transaction that Kafka refuses for its size is halved until the record is found; nothing else is lost or doubled."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from segments.engine import POSITION_KEY
from streams.worker.context import Limits
from tests.simulation.kafka import COMMITTED, Kafka, Where
from tests.simulation.quiet import CUSTOMERS, play, working
from tests.simulation.worker import CHANGELOG

EVERYBODY = {f"c{number}".encode() for number in range(CUSTOMERS)}


def committed(kafka: Kafka, topic: str) -> list[bytes | None]:
    """The keys of the committed records of a topic."""
    return [entry.key for entry in kafka.logs[topic, 0] if entry.state == COMMITTED]


@pytest.mark.parametrize("records", [10, 10 * CUSTOMERS])
@pytest.mark.parametrize("bad", [{0}, {299}, {CUSTOMERS - 1}, {7, 8, 9, 400}])
def test_records_whose_states_are_too_large_become_dead_letters(bad: set[int], records: int) -> None:
    """Exactly these, in small transactions and in one for all; everybody else has a state, and flips as often as all others."""
    keys = {f"c{number}".encode() for number in bad}

    def refuse(where: Where, row: tuple[bytes | None, bytes | None, object]) -> bool:
        return where[0] == CHANGELOG and row[0] in keys and row[1] is not None

    kafka = play(story(records, refuse))
    assert kafka.committed["clickstream", 0] == CUSTOMERS
    assert sorted(filter(None, committed(kafka, "dead-letters"))) == sorted(keys)
    assert set(committed(kafka, CHANGELOG)) - {POSITION_KEY} == EVERYBODY - keys
    entered = committed(kafka, "segment-events")
    assert set(entered) == EVERYBODY - keys
    assert len(set(Counter(entered).values())) == 1


def story(records: int, refuse: Callable[..., bool]) -> Callable[[Kafka], Coroutine[Any, Any, None]]:
    """A worker that takes so many records into a transaction, before a broker that refuses some."""

    async def played(kafka: Kafka) -> None:
        kafka.too_large = refuse
        worker = working(kafka, Limits(records, 0.05, event_clock=True))
        await asyncio.sleep(300)
        worker.kill()

    return played
