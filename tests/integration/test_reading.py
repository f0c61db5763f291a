"""A partition is read from one offset to another; what never comes is given up."""

import asyncio

import pytest
from aiokafka import TopicPartition

from streams.kafka.read_committed import assign, committed_reader, partitions_of, until
from streams.settings.settings import read_settings
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


def test_partitions_that_an_earlier_reading_left_paused_are_read(kafka, fresh_topics, monkeypatch):
    """`until` pauses what it has read; another reading of the same partitions by the same consumer gets all again."""
    fresh_topics(2)
    monkeypatch.setenv("SEGMENTS_BROKERS", kafka.address)
    send(
        kafka.address,
        [("clickstream", click("ann", 1, 1), b"ann"), ("clickstream", click("bo", 2, 2), b"bo")],
    )
    settings, counts = read_settings(), []
    with committed_reader(settings) as consumer:
        for _ in range(2):
            ends = assign(consumer, partitions_of(consumer, "clickstream"), from_beginning=True)
            counts.append(sum(len(batch) for batch in until(consumer, ends, settings)))
            consumer.pause(*consumer.assignment())
    assert counts == [2, 2]
