"""Read a partition from one offset to another, over a connection that is made for it and closed after it.

The engine splits what was fetched: records cost half a microsecond each so, and ten by aiokafka.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from segments.engine import Records
from streams.kafka.closing import closed
from streams.transport.fetch import fetch_runs

MEGABYTE = 1_048_576
"""Bytes of one fetch. A batch that is larger comes whole, since Kafka 0.10.1. With fetches of 8 MB, which expand to
more, a restore of four partitions held 220 MB of them at a time."""

WAIT_SECONDS = 0.1
"""For one poll."""

REQUEST_TIMEOUT = 10.0
"""Seconds for an answer of the broker; aiokafka's default is 40."""

STILL = 30.0
"""Seconds without any record after which the reading is given up. The caller starts again: a partition must not
stand still for an answer that never comes."""


@asynccontextmanager
async def reading(
    client: Mapping[str, Any], place: TopicPartition, start: int, end: int
) -> AsyncIterator[AsyncIterator[tuple[Records, int]]]:
    """Read the committed records of [start, end), not decoded; by turns, each with the position after it.

    A turn may have no record and move the position: markers of transactions have none.

    Raises:
        TimeoutError: nothing came for `STILL` seconds; it says from where.
        KafkaError: the broker refuses.

    """
    consumer = AIOKafkaConsumer(
        **client,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MEGABYTE,
        request_timeout_ms=int(REQUEST_TIMEOUT * 1000),
    )
    consumer.assign([place])
    try:
        async with _within(STILL, place, start, end, STILL):
            await consumer.start()
        consumer.seek(place, start)
        async with aclosing(turns(consumer, place, start, end, STILL)) as found:
            yield found
    finally:
        await closed(consumer.stop())


async def turns(
    consumer: AIOKafkaConsumer, place: TopicPartition, start: int, end: int, still: float
) -> AsyncGenerator[tuple[Records, int], None]:
    """The records of [start, end) of a consumer that stands at `start`, as `reading` yields them.

    Raises TimeoutError if nothing came for `still` seconds.
    """
    position, silent = start, 0.0
    while position < end:
        # Only the waiting counts: the caller may spend any time on a turn.
        began = time.monotonic()
        async with _within(still - silent, place, position, end, still):
            runs, _ = await fetch_runs(consumer, {place}, WAIT_SECONDS, raw={place.topic})
        silent = 0.0 if runs else silent + time.monotonic() - began
        for run in runs:
            run.stop_at(end)
            position = run.end
            yield run.records, position
            if position >= end:
                return


@asynccontextmanager
async def _within(
    seconds: float, place: TopicPartition, position: int, end: int, still: float
) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise TimeoutError(
            f"{place.topic}-{place.partition}: nothing came for {still:.0f} s from offset {position} on, of {end}"
        ) from error
