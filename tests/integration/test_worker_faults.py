"""Workers that are killed, join and leave, over a real Kafka: every offset takes effect once, no flip is lost."""

import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.integration.worker_control import (
    ready,
    scrape,
    stop,
    total,
    wait_until,
    wait_until_behind,
    wait_until_ready,
)
from tests.integration.worker_log import (
    DAY,
    Shop,
    actual,
    assert_same,
    behind,
    expected,
    produce,
    wait_until_caught_up,
)

EVENT_CLOCK = {"SEGMENTS_CLOCK": "event", "SEGMENTS_SESSION_TIMEOUT": "6000"}


def now() -> int:
    """Return milliseconds since 1970."""
    return int(time.time() * 1000)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("store", ["memory", "rocksdb"])
def test_a_killed_worker_without_its_state_goes_on_exactly_where_it_was(
    kafka, environment, fresh_topics, spawn, store
) -> None:
    """After kill -9 with the state directory deleted, damaged or kept, what comes out is what replay says."""
    fresh_topics(4)
    group = environment["SEGMENTS_GROUP"]
    settings = {**EVENT_CLOCK, "SEGMENTS_STORE": store, "SEGMENTS_MAX_BATCH": "10"}
    shop = Shop(seed=7)
    total = produce(kafka.address, shop.events(30_000, now() - 100 * DAY, 4 * 60_000))
    for kill, loss in enumerate(("deleted", "damaged", "kept")):
        worker = spawn("worker", env=settings)
        wait_until_behind(kafka.address, group, total - (kill + 1) * total // 10)
        worker.kill()
        assert behind(kafka.address, group) > 0, "it was done before it could be killed"
        lose_state(Path(environment["SEGMENTS_DATA_DIR"]) / "state", loss)
    worker = spawn("worker", env=EVENT_CLOCK | {"SEGMENTS_STORE": store})
    wait_until_caught_up(kafka.address, group)
    worker.process.terminate()
    assert worker.wait(10) == 0
    assert_same(expected(kafka.address), actual(kafka.address))


def lose_state(folder: Path, how: str) -> None:
    """Delete or damage what a worker has on disk, if it has anything."""
    if how == "deleted":
        shutil.rmtree(folder, ignore_errors=True)
    elif how == "damaged":
        for file in (*folder.rglob("MANIFEST*"), *folder.rglob("*.sst")):
            file.write_bytes(b"damaged" * 100)


@pytest.mark.timeout(300)
def test_twelve_joins_and_leaves_under_backlog(kafka, environment, fresh_topics, spawn) -> None:
    """A second worker joins and leaves twelve times while records pile up: each offset takes effect once."""
    fresh_topics(4)
    group = environment["SEGMENTS_GROUP"]
    produce(kafka.address, Shop(seed=3).events(50_000, now() - 100 * DAY, 2 * 60_000))
    slowly = {"SEGMENTS_MAX_BATCH": "2"}

    def still_behind() -> None:
        assert behind(kafka.address, group) > 0, "the backlog ended before the last join"

    first = join_and_leave(spawn, slowly, still_behind)
    assert first.wait(15) == 0
    last = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    last.process.terminate()
    assert last.wait(15) == 0
    assert_same(expected(kafka.address), actual(kafka.address))


@pytest.mark.timeout(300)
def test_twelve_joins_and_leaves_at_a_hundred_events_a_second(
    kafka, environment, fresh_topics, spawn
) -> None:
    """The same while events trickle in, which is when stock Faust loses records."""
    fresh_topics(4)
    shop = Shop(seed=5, shares=(1.0, 1.0))
    ended = threading.Event()

    def trickle() -> None:
        while not ended.is_set():
            produce(kafka.address, shop.events(50, now(), 10), rate=100)

    producing = threading.Thread(target=trickle)
    producing.start()
    try:
        first = join_and_leave(spawn, {}, lambda: None, stop=False)
    finally:
        ended.set()
        producing.join()
    wait_until_caught_up(kafka.address, environment["SEGMENTS_GROUP"])
    first.process.terminate()
    assert first.wait(15) == 0
    assert_same(expected(kafka.address), actual(kafka.address))


def join_and_leave(spawn, settings: dict[str, str], check, stop: bool = True):
    """Run a worker, let a second one join and leave twelve times; returns the first one."""
    first = spawn("worker", env=EVENT_CLOCK | settings)
    wait_until_ready(first)
    for _ in range(12):
        second = spawn("worker", env=EVENT_CLOCK | settings)
        wait_until_ready(second)
        check()
        time.sleep(0.2)
        second.process.terminate()
        assert second.wait(15) == 0, second.stderr
    if stop:
        first.process.terminate()
    assert "Traceback" not in first.stderr
    return first


@pytest.mark.timeout(240)
def test_a_paused_worker_comes_back_as_a_stranger(kafka, environment, fresh_topics, spawn) -> None:
    """SIGSTOP beyond the session time-out, then SIGCONT: what the zombie still wants to commit is fenced off."""
    fresh_topics(4)
    group = environment["SEGMENTS_GROUP"]
    shop = Shop(seed=21, shares=(1.0, 1.0))
    produce(kafka.address, shop.events(30_000, now() - 100 * DAY, 4 * 60_000))
    slowly = EVENT_CLOCK | {"SEGMENTS_MAX_BATCH": "3"}
    first = spawn("worker", env=slowly)
    second = spawn("worker", env=slowly)
    for worker in (first, second):
        wait_until_ready(worker)
    for zombie, other in ((first, second), (second, first)):
        zombie.signal(signal.SIGSTOP)
        wait_until("the other has all partitions", lambda: partitions_of(other) == 4)  # noqa: B023
        zombie.signal(signal.SIGCONT)
        wait_until("it has come back", lambda: 0 < partitions_of(zombie) < 4)  # noqa: B023
        assert behind(kafka.address, group) > 0, "it was done before both had been paused"
    for worker in (first, second):
        stop(worker)
    last = spawn("worker", env=EVENT_CLOCK)
    wait_until_caught_up(kafka.address, group)
    stop(last)
    assert_same(expected(kafka.address), actual(kafka.address))


def partitions_of(worker) -> float:
    """Return how many partitions a worker serves."""
    return total(scrape(worker), "segments_partitions_owned") if ready(worker)["ready"] else 0


@pytest.mark.timeout(120)
def test_a_worker_with_a_name_restarts_without_a_rebalance(fresh_topics, spawn) -> None:
    """Static membership: the named worker is killed and comes back; its peer is not interrupted."""
    fresh_topics(4)
    settings = EVENT_CLOCK | {"SEGMENTS_SESSION_TIMEOUT": "20000"}
    peer = spawn("worker", env=settings | {"SEGMENTS_WORKER_NAME": "peer"})
    named = spawn("worker", env=settings | {"SEGMENTS_WORKER_NAME": "named"})
    wait_until("both have partitions", lambda: partitions_of(peer) == partitions_of(named) == 2)
    before = total(scrape(peer), "segments_rebalances_total")
    named.kill()
    again = spawn("worker", env=settings | {"SEGMENTS_WORKER_NAME": "named"})
    wait_until("it is back", lambda: partitions_of(again) == 2, 15)
    assert total(scrape(peer), "segments_rebalances_total") == before
    stop(again)
    stop(peer)
