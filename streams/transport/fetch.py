"""Takes fetched records from aiokafka, as runs. Executed in the consumer's own thread and event loop."""

# ruff: noqa: SLF001, ASYNC109  aiokafka has no public way to the positions before and after a fetch

import asyncio
import time
from collections.abc import Collection, Container
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError

from streams.transport.raw import take_raw
from streams.transport.runs import Run

Timed = tuple[list[Run], float]
"""Runs, and the seconds that unpacking them took."""

RUN_LIMIT = 1_000
"""The largest number of records in one run: the event loop is blocked while a run is decoded."""


async def fetch_runs(
    consumer: AIOKafkaConsumer,
    wanted: Collection[Any],
    timeout: float,
    raw: Container[str] = (),
) -> Timed:
    """Wait at most `timeout` seconds for runs of the wanted partitions; of `raw` topics, of the engine's records.

    aiokafka's own ``getmany`` doesn't tell the position before and after, and passes over fetches that hold only
    markers of transactions. A fetch that began before a rebalance brings nothing that came after it: whoever asked
    would take it for something old and drop it, while the position has moved on.
    """
    fetcher: Any = consumer._fetcher
    deadline = asyncio.get_running_loop().time() + timeout
    assignment = _assignment(fetcher)
    with fetcher._subscriptions.fetch_context():
        while True:
            _check(consumer, fetcher)
            if fetcher._subscriptions.reassignment_in_progress or _assignment(fetcher) is not assignment:
                await asyncio.sleep(0.02)
                return [], 0.0
            began = time.perf_counter()
            runs = take_runs(fetcher, wanted, raw)
            seconds = time.perf_counter() - began
            left = deadline - asyncio.get_running_loop().time()
            if runs or left <= 0:
                return runs, seconds
            await _wait_for_data(fetcher, left)


def _assignment(fetcher: Any) -> Any:
    """The assignment as aiokafka holds it: a new object after each rebalance."""
    subscription = fetcher._subscriptions.subscription
    return None if subscription is None else subscription.assignment


async def _wait_for_data(fetcher: Any, timeout: float) -> None:
    waiter = fetcher._create_fetch_waiter()
    await asyncio.wait([waiter], timeout=timeout)
    if waiter.done():
        # Errors of the group's coordination reach everybody who waits; `ConsumerThread.group_error` handles them.
        waiter.exception()
    else:
        waiter.cancel()


def _check(consumer: AIOKafkaConsumer, fetcher: Any) -> None:
    """Raise the error of aiokafka's fetcher task, if any; errors of the group are `ConsumerThread.group_error`."""
    if consumer._closed or fetcher._closed:
        raise ConsumerStoppedError
    if fetcher._fetch_task.done():
        fetcher._fetch_task.result()


def take_runs(fetcher: Any, wanted: Collection[Any], raw: Container[str]) -> list[Run]:
    """Take the fetched runs of the wanted partitions. No await in here, so nothing changes in between."""
    runs = []
    for partition in list(fetcher._records):
        if partition in wanted:
            run = _take(fetcher, partition, raw=partition.topic in raw)
            if run is not None:
                runs.append(run)
        elif not fetcher._subscriptions.is_assigned(partition):
            del fetcher._records[partition]
    return runs


def _take(fetcher: Any, partition: Any, *, raw: bool) -> Run | None:
    result = fetcher._records[partition]
    if type(result) is not FetchResult:
        _drop(fetcher, partition)
        result.check_raise()
    if not fetcher._subscriptions.is_assigned(partition):
        del fetcher._records[partition]
        return None
    run = take_raw(result, partition) if raw else _take_records(result, partition)
    if not result.has_more():
        _drop(fetcher, partition)
    return run


def _take_records(result: Any, partition: Any) -> Run | None:
    state = result._assignment.state_value(partition)
    start = state.position if state.has_valid_position else None
    records = result.getall(RUN_LIMIT)
    end = state.position if state.has_valid_position else None
    if start is None or end is None or start == end:
        return None
    return Run(partition.topic, partition.partition, start, records, end)


def _drop(fetcher: Any, partition: Any) -> None:
    """Drop a fetch that is used up, so that aiokafka asks for the next one."""
    del fetcher._records[partition]
    fetcher._notify(fetcher._wait_consume_future)
