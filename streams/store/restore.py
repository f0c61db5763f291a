"""Brings the store of a partition up to the end of its changelog."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from aiokafka import TopicPartition

from segments.engine import Records
from streams.clock import wall_clock
from streams.store.stores import PartitionStore
from streams.transport.reading import reading

log = logging.getLogger(__name__)

STALE_AFTER = 12 * 3_600_000
"""Milliseconds after which what a store holds is not built on: half the time for which Kafka keeps the deletions of a
compacted topic (``delete.retention.ms``). A store older than that would bring deleted customers back."""

LOG_EVERY = 2.0

Progress = Callable[[int], None]


async def restore(
    store: PartitionStore,
    client: Mapping[str, Any],
    changelog: TopicPartition,
    bounds: tuple[int, int],
    progress: Progress,
) -> int:
    """Read the changelog from where the store is to its last stable offset; returns the number of records read.

    `bounds` are the first offset of the changelog and its last stable offset, asked for after the previous owner
    was fenced. `progress` is told how many offsets remain.
    """
    start, end = _range(store, changelog, bounds)
    if start >= end:
        store.apply((), end, wall_clock())
        return 0
    async with reading(client, changelog, start, end) as turns:
        count = await _apply(store, turns, changelog, (start, end), progress)
    # The closed client is a cycle of objects, and holds what it fetched last.
    gc.collect()
    if start == bounds[0]:
        store.restored()
    return count


def _range(store: PartitionStore, changelog: TopicPartition, bounds: tuple[int, int]) -> tuple[int, int]:
    """Wipe a store that is unusable, and return the offsets that remain to be read."""
    first, end = bounds
    if store.position is not None:
        age = wall_clock() - store.as_of
        if store.position > end:
            log.warning("%s: the store is ahead of the changelog: wiped", _name(changelog))
            store.wipe()
        elif age > STALE_AFTER:
            log.warning("%s: the store is %d h old: wiped", _name(changelog), age // 3_600_000)
            store.wipe()
    return max(first, store.position or 0), end


async def _apply(
    store: PartitionStore,
    turns: AsyncIterator[tuple[Records, int]],
    changelog: TopicPartition,
    bounds: tuple[int, int],
    progress: Progress,
) -> int:
    start, end = bounds
    began = logged = time.monotonic()
    position, count = start, 0
    progress(end - start)
    async for records, position in turns:
        store.apply_fetched(records, position)
        count += len(records)
        progress(max(0, end - position))
        if time.monotonic() - logged > LOG_EVERY:
            logged = time.monotonic()
            log.info("%s: restoring, %d of %d offsets remain", _name(changelog), end - position, end - start)
        await asyncio.sleep(0)
    store.apply((), position, wall_clock())
    progress(0)
    log.info("%s: restored %d records in %.2f s", _name(changelog), count, time.monotonic() - began)
    return count


def _name(partition: TopicPartition) -> str:
    return f"{partition.topic}-{partition.partition}"
