"""The producer of a partition's transactions: what it says of one that can't be committed."""

import asyncio
import gc

import pytest

from streams.kafka.connection import connection
from streams.settings.settings import Settings
from streams.transport import TransactionalProducer
from streams.transport.errors import Fenced

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def client(environment, fresh_topics):
    """The arguments of a client, over topics of one partition."""
    fresh_topics(1)
    return connection(Settings(brokers=environment["SEGMENTS_BROKERS"], rules="segments"))


def batches(producer, count):
    """Some records to write, in so many batches."""
    made = {}
    for number in range(count):
        value = bytes(300_000) if count > 1 else b"flip"
        producer.add_all(made, "segment-events", 1_790_000_000_000 + number, {b"ann": value})
    return made


@pytest.mark.parametrize(
    ("count", "offsets"),
    [(0, {"clickstream": 5}), (1, {}), (3, {"clickstream": 5, "transactions": 1})],
    ids=["offsets", "records", "both"],
)
def test_a_commit_that_a_newer_owner_fenced_is_said_to_be_fenced(client, count, offsets):
    """Whether records, offsets or both are written, and wherever it comes up: it is no commit of unknown outcome."""

    async def write():
        older, newer = (TransactionalProducer(client, "fenced", 0) for _ in range(2))
        try:
            await older.start()
            await older.commit(batches(older, 1), {"clickstream": 1})
            await newer.start()
            with pytest.raises(Fenced, match="fenced-0 was fenced by another worker"):
                await older.commit(batches(older, count), offsets)
            await newer.commit(batches(newer, count), offsets)
        finally:
            await older.abandon()
            await newer.abandon()

    asyncio.run(write())
    # What is left are cycles of errors and frames. CPython 3.11 gives a SystemError if they are freed amid an ast.parse
    # of a later test (gh-106905).
    gc.collect()
