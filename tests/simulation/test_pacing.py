"""Many flips by time that are due at once do not hold up an event that comes meanwhile."""

import asyncio

import pytest

import schemas
from segments.engine import POSITION_KEY, Outbox, Partition, Transaction
from streams.worker import service
from streams.worker.context import Limits
from tests.simulation.kafka import COMMITTED, Kafka
from tests.simulation.quiet import CUSTOMERS, play, send, working
from tests.simulation.schedule import ENGINE, START
from tests.simulation.worker import CHANGELOG

DUE = 60.0 + ENGINE.grace / 1000


async def drain(kafka: Kafka) -> None:
    """All customers fall silent at once; another one comes when the first of them has flipped."""
    worker = working(kafka, Limits(10, 0.005, event_clock=False))
    await asyncio.sleep(DUE - 1)
    assert kafka.committed["clickstream", 0] == CUSTOMERS
    fires, before = asyncio.Event(), len(kafka.logs["segment-events", 0])
    kafka.watchers.append(lambda: fires.set() if len(kafka.logs["segment-events", 0]) > before else None)
    await fires.wait()
    send(kafka, "live", START + int(asyncio.get_running_loop().time() * 1000))
    await asyncio.sleep(50)
    worker.kill()


async def gather(kafka: Kafka) -> None:
    """A backlog is worked off that neither records nor time divide into transactions."""
    worker = working(kafka, Limits(10 * CUSTOMERS, 3600.0, event_clock=True))
    await asyncio.sleep(30)
    worker.kill()


def quiet(kafka: Kafka) -> list[str]:
    """Who has flipped by time, or came live, in the order of the log."""
    log = [entry for entry in kafka.logs["segment-events", 0] if entry.state == COMMITTED]
    events = [schemas.decode(schemas.SEGMENT_EVENT, entry.value or b"") for entry in log]
    return [
        event["customer_id"]
        for event in events
        if event["segment"] == "quiet" or event["customer_id"] == "live"
    ]


@pytest.mark.parametrize("full", [False, True])
def test_a_transaction_ends_when_many_customers_changed(full: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though neither its time nor its records are used up: once the machine says that it is full."""
    busy, advance, collect = set[int](), Partition.advance, Partition.collect

    def advanced(self: Partition, records: int) -> bool:
        busy.add(self.number)
        return advance(self, records)

    def collected(self: Partition, outbox: Outbox, now: int) -> Transaction | None:
        busy.clear()
        return collect(self, outbox, now)

    monkeypatch.setattr(Partition, "advance", advanced)
    monkeypatch.setattr(Partition, "collect", collected)
    monkeypatch.setattr(Partition, "full", property(lambda _self: full and bool(busy)))
    monkeypatch.setattr(service, "SLICE", 5)
    kafka = play(gather)
    assert kafka.committed["clickstream", 0] == CUSTOMERS
    keys = [entry.key for entry in kafka.logs[CHANGELOG, 0] if entry.key]
    states = "".join("|" if key == POSITION_KEY else "c" for key in keys)
    assert states.count("c") == CUSTOMERS
    # Before and after a question to Kafka.
    assert (max(map(len, states.split("|"))) <= 2 * 5) is full


def test_an_event_does_not_wait_for_all_that_is_due() -> None:
    """The flips of the event are in the log before half of those by time; each of these comes once."""
    kafka = play(drain)
    order = quiet(kafka)
    assert sorted(set(order)) == sorted(["live", *(f"c{number}" for number in range(CUSTOMERS))])
    assert len(order) - order.count("live") == CUSTOMERS
    assert order.index("live") < CUSTOMERS / 2, f"{order.index('live')} flips by time went before it"


def test_a_long_backlog_is_gathered_for_longer() -> None:
    """One more interval for each thousand records that wait, twenty at most."""
    limits = Limits(10, 0.1, event_clock=False)
    found = [limits.gathering(waiting) for waiting in (0, 1_999, 2_000, 7_500, 20_000, 1_000_000)]
    assert found == pytest.approx([0.1, 0.1, 0.2, 0.7, 2.0, 2.0])
