"""Each step of a transaction against a real broker: what passes is done again, what does not ends the producer."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import pytest
from aiokafka.errors import KafkaConnectionError
from kafka import KafkaConsumer
from kafka import TopicPartition as Partition

from streams.kafka.connection import connection
from streams.settings.settings import Settings
from streams.transport import TransactionalProducer
from streams.transport import producer as producers
from streams.transport.errors import CommitFailed, OutcomeUnknown, Replaced, TooLarge

pytestmark = pytest.mark.timeout(60)

IN, OUT, LOG, SMALL = "steps-in", "steps-out", "steps-log", "steps-small"
IMPLICIT, EXPLICIT = "implicit", "explicit"
MODES = [IMPLICIT, EXPLICIT]
"""Who adds partitions to a transaction: the broker (Kafka 4.0 and later), or the producer."""

STEPS = {
    IMPLICIT: ["ProduceRequest", "TxnOffsetCommitRequest", "EndTxnRequest"],
    EXPLICIT: [
        "AddPartitionsToTxnRequest",
        "ProduceRequest",
        "AddOffsetsToTxnRequest",
        "TxnOffsetCommitRequest",
        "EndTxnRequest",
    ],
}

PASSING = {
    "ProduceRequest": [3, 5, 6, 7, 19, 20, 51, 56],
    "AddPartitionsToTxnRequest": [3, 14, 15, 16, 51, 55],
    "AddOffsetsToTxnRequest": [14, 15, 16, 51],
    "TxnOffsetCommitRequest": [3, 7, 14, 15, 16, 51],
    "EndTxnRequest": [14, 15, 16, 51],
}
"""Codes of errors after which the same request is sent once more."""

FINAL = {
    "ProduceRequest": [29, 45, 48, 49, 53, 120],
    "AddPartitionsToTxnRequest": [29, 48, 49, 53],
    "AddOffsetsToTxnRequest": [30, 48, 49, 53],
    "TxnOffsetCommitRequest": [12, 28, 29, 30, 53, 120],
    "EndTxnRequest": [48, 49, 53, 120],
}
"""Codes of errors that end the producer without telling an outcome."""


@pytest.fixture(scope="module")
def site(kafka):
    """A broker with topics of one partition; one of them takes small batches alone."""
    kafka.delete(*kafka.topics("steps-"))
    small = {SMALL: {"num_partitions": 1, "replication_factor": 1, "configs": {"max.message.bytes": "10000"}}}
    with kafka.admin() as admin:
        admin.create_topics(
            {name: {"num_partitions": 1, "replication_factor": 1} for name in (IN, OUT, LOG)} | small
        )
        admin.wait_for_topics([IN, OUT, LOG, SMALL])
    yield kafka
    kafka.delete(*kafka.topics("steps-"))


class Seen:
    """What read-committed consumers and the group see of a test's transactions."""

    def __init__(self, kafka, group):
        self._kafka, self.group = kafka, group
        self._starts = {topic: self._end(topic) for topic in (OUT, LOG)}

    def _reader(self):
        return KafkaConsumer(
            bootstrap_servers=self._kafka.address, group_id=self.group, isolation_level="read_committed"
        )

    def _end(self, topic):
        reader = self._reader()
        try:
            place = Partition(topic, 0)
            return reader.end_offsets([place])[place]
        finally:
            reader.close(autocommit=False)

    def committed(self):
        """The values by topic, and the offset that the group has of the input."""
        reader = self._reader()
        try:
            places = {topic: Partition(topic, 0) for topic in self._starts}
            reader.assign(list(places.values()))
            for topic, place in places.items():
                reader.seek(place, self._starts[topic])
            values, ends = {topic: [] for topic in places}, reader.end_offsets(list(places.values()))
            while any(reader.position(place) < end for place, end in ends.items()):
                for records in reader.poll(100).values():
                    for record in records:
                        values[record.topic].append(record.value)
            return values[OUT], values[LOG], reader.committed(Partition(IN, 0))
        finally:
            reader.close(autocommit=False)


@pytest.fixture
def seen(site):
    """What is seen of this test's own group."""
    return Seen(site, f"steps-{uuid.uuid4().hex[:8]}")


async def started(seen, site, mode):
    """A producer that has begun; `EXPLICIT` as with an older broker."""
    client = connection(Settings(brokers=site.address, rules="segments"))
    producer = TransactionalProducer(client, seen.group, 0)
    await producer.start()
    assert producer._kafka.implicit, "the local broker adds partitions itself"
    producer._kafka.implicit = mode == IMPLICIT
    return producer


def batches(producer, *values, topics=(OUT, LOG)):
    """One batch with one record for each value, in each topic."""
    made = {}
    for value in values:
        for topic in topics:
            one = {}
            producer.add_all(one, topic, 1_790_000_000_000, {b"key": value})
            made.setdefault(topic, []).extend(one[topic])
    return made


def run(seen, site, mode, use: Callable[[TransactionalProducer], Awaitable[None]]):
    """Use a producer, and let it go."""

    async def whole():
        producer = await started(seen, site, mode)
        try:
            await use(producer)
        finally:
            await producer.abandon()

    asyncio.run(whole())


def name_of(call):
    """Of its request."""
    return call._request.name


def answered(producer, name, change):
    """The first answer to a request of this name goes through `change`, which may send it or not."""
    send, done = producer._kafka._send, []

    async def changed(node, call):
        if name_of(call) != name or done:
            return await send(node, call)
        done.append(name)
        return await change(lambda: send(node, call))

    producer._kafka._send = changed
    return done


def refusal(name, code):
    """An answer with this error, as it is read."""
    from streams.transport.calls import Ended, Written

    return {
        "ProduceRequest": {(OUT, 0): Written(code, -1), (LOG, 0): Written(code, -1)},
        "AddPartitionsToTxnRequest": {(OUT, 0): code, (LOG, 0): code},
        "AddOffsetsToTxnRequest": code,
        "TxnOffsetCommitRequest": {(IN, 0): code},
        "EndTxnRequest": Ended(code, -1, -1),
    }[name]


@pytest.mark.parametrize("mode", MODES)
def test_transactions_follow_each_other_without_a_pause(site, seen, mode):
    """While the markers of one are being written the next one begins, whoever adds the partitions."""

    async def use(producer):
        for number in range(60):
            ends = await producer.commit(batches(producer, b"%d" % number), {IN: number + 1})
            assert ends.keys() == {OUT, LOG}
            assert None not in ends.values()

    run(seen, site, mode, use)
    wanted = [b"%d" % number for number in range(60)]
    assert seen.committed() == (wanted, wanted, 60)


@pytest.mark.parametrize("mode", MODES)
def test_batches_offsets_or_nothing(site, seen, mode):
    """A transaction has batches of several topics, several of one topic, offsets alone, or nothing; each is told its end."""

    async def use(producer):
        first = await producer.commit(batches(producer, b"1", b"2", b"3"), {})
        assert await producer.commit({}, {IN: 7}) == {}
        assert await producer.commit({}, {}) == {}
        place = {(OUT, 0): batches(producer, b"4", topics=[OUT])[OUT]}
        # A marker has an offset of its own.
        assert await producer.commit(place, {IN: 8}) == {(OUT, 0): first[OUT] + 2}

    run(seen, site, mode, use)
    assert seen.committed() == ([b"1", b"2", b"3", b"4"], [b"1", b"2", b"3"], 8)


@pytest.mark.parametrize("mode", MODES)
def test_a_lost_answer_is_asked_for_again(site, seen, mode):
    """Whichever step's answer is lost after the broker has done it: all is committed, once."""

    async def lost(send):
        await send()
        raise KafkaConnectionError("the answer is lost")

    async def use(producer):
        for number, name in enumerate(STEPS[mode], 1):
            # A transaction before it, so that there is one to confuse it with.
            await producer.commit(batches(producer, b"before"), {IN: number})
            done = answered(producer, name, lost)
            await producer.commit(batches(producer, name.encode()), {IN: 100 + number})
            assert done == [name]

    run(seen, site, mode, use)
    wanted = [value for name in STEPS[mode] for value in (b"before", name.encode())]
    assert seen.committed() == (wanted, wanted, 100 + len(STEPS[mode]))


@pytest.mark.parametrize("mode", MODES)
def test_what_passes_is_asked_for_again(site, seen, mode, monkeypatch):
    """Of each request each error that passes: a leader or a coordinator that has moved, one that begins, markers."""
    monkeypatch.setattr("streams.transport.transactions.AGAIN", 0.001)

    async def use(producer):
        for name in STEPS[mode]:
            for code in PASSING[name]:

                async def refused(_send, name=name, code=code):
                    return refusal(name, code)

                done = answered(producer, name, refused)
                await producer.commit(batches(producer, f"{name} {code}".encode()), {IN: code})
                assert done == [name]

    run(seen, site, mode, use)
    wanted = [f"{name} {code}".encode() for name in STEPS[mode] for code in PASSING[name]]
    assert seen.committed() == (wanted, wanted, PASSING[STEPS[mode][-1]][-1])


@pytest.mark.parametrize("mode", MODES)
def test_what_does_not_pass_ends_the_producer(site, seen, mode):
    """Of each request each error that is final: the outcome counts as unknown, nothing is committed, then or later."""

    async def whole():
        for name in STEPS[mode]:
            for code in FINAL[name]:
                producer = await started(seen, site, mode)

                async def refused(_send, name=name, code=code):
                    return refusal(name, code)

                answered(producer, name, refused)
                try:
                    with pytest.raises(OutcomeUnknown, match=rf"error {code}\b"):
                        await producer.commit(batches(producer, b"no"), {IN: 1})
                    with pytest.raises(OutcomeUnknown, match="a transaction before this one failed"):
                        await producer.commit(batches(producer, b"no"), {IN: 1})
                finally:
                    await producer.abandon()
        # Whoever begins aborts what was left open.
        await (await started(seen, site, mode)).abandon()

    asyncio.run(whole())
    assert seen.committed() == ([], [], None)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_that_is_too_large_is_said_to_be(site, seen, mode):
    """With its topic and its bytes; what was written beside it is not committed."""

    async def use(producer):
        made = batches(producer, b"beside", topics=[OUT]) | batches(producer, bytes(20_000), topics=[SMALL])
        with pytest.raises(TooLarge, match=r"steps-small takes no 20,\d{3} bytes at once"):
            await producer.commit(made, {IN: 1})
        await (await started(seen, site, mode)).abandon()

    run(seen, site, mode, use)
    assert seen.committed() == ([], [], None)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_committed_where_a_topic_was_replaced(site, seen, mode):
    """What `before_commit` finds while the batches are written counts, however late it comes."""

    async def use(producer):
        async def found():
            await asyncio.sleep(0.1)
            raise Replaced({IN: ("a", "b")})

        producer.before_commit = found
        with pytest.raises(Replaced):
            await producer.commit(batches(producer, b"no"), {IN: 1})
        await (await started(seen, site, mode)).abandon()

    run(seen, site, mode, use)
    assert seen.committed() == ([], [], None)


@pytest.mark.parametrize("mode", MODES)
def test_a_transaction_that_the_broker_aborted_by_time_is_not_committed(site, seen, mode, monkeypatch):
    """Its commit fails, and so does the next one."""
    monkeypatch.setattr(producers, "TRANSACTION_TIMEOUT", 1.0)

    async def use(producer):
        async def late():
            await asyncio.sleep(4)

        producer.before_commit = late
        with pytest.raises(CommitFailed):
            await producer.commit(batches(producer, b"no"), {IN: 1})

    run(seen, site, mode, use)
    assert seen.committed() == ([], [], None)


def test_a_cancelled_commit_ends_the_producer(site, seen):
    """What it left open must not be added to; the next owner aborts it."""

    async def use(producer):
        async def never():
            await asyncio.Event().wait()

        producer.before_commit = never
        commit = asyncio.create_task(producer.commit(batches(producer, b"no"), {IN: 1}))
        await asyncio.sleep(0.3)
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
        producer.before_commit = None
        with pytest.raises(OutcomeUnknown):
            await producer.commit(batches(producer, b"no"), {IN: 1})
        await (await started(seen, site, IMPLICIT)).abandon()

    run(seen, site, IMPLICIT, use)
    assert seen.committed() == ([], [], None)


@pytest.mark.parametrize("mode", MODES)
def test_a_broker_that_is_away_amid_a_transaction_is_waited_for(site, seen, mode):
    """It is killed behind the batches and comes back within the time of a commit: all is committed, once."""

    async def use(producer):
        await producer.commit(batches(producer, b"before"), {IN: 1})

        async def away():
            await asyncio.sleep(0.3)
            await asyncio.to_thread(site.broker.kill)
            await asyncio.to_thread(site.broker.start)

        producer.before_commit = away
        await producer.commit(batches(producer, b"amid"), {IN: 2})
        producer.before_commit = None
        await producer.commit(batches(producer, b"after"), {IN: 3})

    run(seen, site, mode, use)
    wanted = [b"before", b"amid", b"after"]
    assert seen.committed() == (wanted, wanted, 3)
