"""A partition is read from one offset to another; what never comes is given up."""

import asyncio

import pytest
from aiokafka import TopicPartition

from streams.transport import reading
from tests.integration.worker_log import send
from tests.kit.records import click

PLACE = TopicPartition("clickstream", 0)


def test_records_are_read_to_an_end_and_what_does_not_come_is_given_up(kafka, fresh_topics, monkeypatch):
    """All records before the end come in order; behind the last one the reading ends with an error that says where."""
    fresh_topics(1)
    monkeypatch.setattr(reading, "STILL", 1.0)
    records = [("clickstream", click("ann", number, number), b"ann") for number in range(5)]
    send(kafka.address, records)
    client = {"bootstrap_servers": kafka.address}

    async def read(start: int, end: int) -> list[int]:
        found = []
        async with reading.reading(client, PLACE, start, end) as turns:
            async for records, position in turns:
                found += [each[0] for each in records.raw()]
                reached.append(position)
        return found

    reached: list[int] = []
    assert asyncio.run(read(2, 5)) == [2, 3, 4]
    assert reached[-1] == 5
    with pytest.raises(TimeoutError, match="clickstream-0: nothing came for 1 s from offset 5 on, of 7"):
        asyncio.run(read(0, 7))
