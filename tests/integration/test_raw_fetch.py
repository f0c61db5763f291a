"""Fetches that are left as the broker sent them, against aiokafka's own records, over a real broker."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.transport.fetch import fetch_runs

pytestmark = pytest.mark.timeout(120)

TOPIC = "raw-fetch"
PLACE = TopicPartition(TOPIC, 0)
CODECS = (None, "gzip", "snappy", "lz4", "zstd")


@pytest.fixture(autouse=True)
def topic(kafka):
    """A topic of one partition."""
    kafka.clear()
    with kafka.admin() as admin:
        admin.create_topics(
            {TOPIC: {"num_partitions": 1, "replication_factor": 1, "configs": {}}}, wait_for_metadata=True
        )


async def write(address: str) -> None:
    """Transactions in every compression, each second one of them aborted; then records without a transaction."""
    for number, codec in enumerate(CODECS * 2):
        producer = AIOKafkaProducer(
            bootstrap_servers=address,
            transactional_id=f"t-{codec}",
            compression_type=codec,
            enable_idempotence=True,
        )
        await producer.start()
        await producer.begin_transaction()
        for place in range(30):
            value = f"{number} {place} {'x' * 300}".encode()
            await producer.send(TOPIC, value if place else None, key=b"k", headers=[("h", b"1")])
        await (producer.abort_transaction() if number % 2 else producer.commit_transaction())
        await producer.stop()
    plain = AIOKafkaProducer(bootstrap_servers=address)
    await plain.start()
    await plain.send_and_wait(TOPIC, b"last", key=b"k")
    await plain.stop()


async def consumer(address: str) -> AIOKafkaConsumer:
    """At the beginning of the topic, for what is committed."""
    made = AIOKafkaConsumer(
        bootstrap_servers=address,
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=4_000,
    )
    await made.start()
    made.assign([PLACE])
    made.seek(PLACE, 0)
    return made


async def by_aiokafka(address: str) -> list[tuple[int, int, bytes | None, bytes | None]]:
    """What a consumer of aiokafka gets."""
    reading = await consumer(address)
    end, found = (await reading.end_offsets([PLACE]))[PLACE], []
    while await reading.position(PLACE) < end:
        for records in (await reading.getmany(PLACE, timeout_ms=500)).values():
            found += [(each.offset, each.timestamp, each.key, each.value) for each in records]
    await reading.stop()
    return found


async def by_engine(address: str) -> list[tuple[int, int, bytes | None, bytes | None]]:
    """What the engine makes of the same fetches; the runs follow one another, and end where the topic does."""
    reading = await consumer(address)
    end, found, position = (await reading.end_offsets([PLACE]))[PLACE], [], 0
    while position < end:
        runs, _ = await fetch_runs(reading, {PLACE}, 0.5, raw=(TOPIC,))
        for run in runs:
            assert (run.start, run.records.start, run.records.end) == (position, run.start, run.end)
            position = run.end
            found += run.records.raw()
    assert await reading.position(PLACE) == end
    await reading.stop()
    return found


async def held_back(address: str) -> list[int]:
    """The offsets that come if the partition is paused amid them, and sought anew."""
    reading = await consumer(address)
    first, _ = await fetch_runs(reading, {PLACE}, 5, raw=(TOPIC,))
    await asyncio.sleep(0.5)  # the next fetch lies ready
    reading.pause(PLACE)
    assert (await fetch_runs(reading, {PLACE}, 0.3, raw=(TOPIC,)))[0] == []
    reading.resume(PLACE)
    second: list = []
    while not second:
        second, _ = await fetch_runs(reading, {PLACE}, 1, raw=(TOPIC,))
    assert second[0].start == first[-1].end
    reading.seek(PLACE, 0)
    again: list = []
    while not again:
        again, _ = await fetch_runs(reading, {PLACE}, 1, raw=(TOPIC,))
    await reading.stop()
    return [again[0].start]


def test_the_engine_reads_what_aiokafka_reads(kafka):
    """Compressed, aborted and plain, in fetches of a few kilobytes: the same records, and every offset covered."""
    asyncio.run(write(kafka.address))
    expected = asyncio.run(by_aiokafka(kafka.address))
    assert len(expected) == 5 * 30 + 1
    assert asyncio.run(by_engine(kafka.address)) == expected
    assert asyncio.run(held_back(kafka.address)) == [0]
