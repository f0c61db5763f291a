"""The requests of a transaction: byte for byte those of aiokafka where it knows their version, and numbered right."""

import asyncio
import struct

import pytest
from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.produce import ProduceRequest_v7
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest_v0,
    AddPartitionsToTxnRequest_v0,
    EndTxnRequest_v0,
    InitProducerIdRequest_v0,
    TxnOffsetCommitRequest_v0,
)

from streams.transport import TransactionalProducer, calls
from streams.transport.calls import Identity

WHO = Identity("shop-3", 4711, 12)
BATCHES = {("flips", 3): b"first", ("letters", 3): b"second", ("letters", 0): b"third"}
OFFSETS = {("clicks", 3): 17, ("profiles", 3): 2**40}


@pytest.mark.parametrize(
    ("call", "aiokafka"),
    [
        (calls.init_producer_id("shop-3", 60_000), InitProducerIdRequest_v0("shop-3", 60_000)),
        (
            calls.add_partitions(WHO, BATCHES),
            AddPartitionsToTxnRequest_v0("shop-3", 4711, 12, [("flips", [3]), ("letters", [3, 0])]),
        ),
        (calls.add_offsets(WHO, "shop"), AddOffsetsToTxnRequest_v0("shop-3", 4711, 12, "shop")),
        (
            calls.produce(WHO, BATCHES, 10_000, implicit=False),
            ProduceRequest_v7(
                "shop-3",
                -1,
                10_000,
                [("flips", [(3, b"first")]), ("letters", [(3, b"second"), (0, b"third")])],
            ),
        ),
        (
            calls.commit_offsets(WHO, "shop", OFFSETS, implicit=False),
            TxnOffsetCommitRequest_v0(
                "shop-3", "shop", 4711, 12, [("clicks", [(3, 17, "")]), ("profiles", [(3, 2**40, "")])]
            ),
        ),
        (calls.end(WHO, implicit=False), EndTxnRequest_v0("shop-3", 4711, 12, True)),
    ],
    ids=["take over", "add partitions", "add offsets", "write", "offsets", "end"],
)
def test_requests_of_versions_that_aiokafka_knows_are_byte_for_byte_its_own(call, aiokafka):
    """Header and body, as two libraries that know nothing of each other write them."""
    header = aiokafka.build_request_header(correlation_id=99, client_id="worker")
    assert (
        call.build_request_header(99, "worker").encode() + call.encode()
        == header.encode() + aiokafka.encode()
    )


@pytest.mark.parametrize(
    ("call", "key", "version"),
    [
        (calls.produce(WHO, BATCHES, 10_000, implicit=True), 0, 12),
        (calls.commit_offsets(WHO, "shop", OFFSETS, implicit=True), 28, 5),
        (calls.end(WHO, implicit=True), 26, 5),
    ],
    ids=["write", "offsets", "end"],
)
def test_an_implicit_request_has_the_version_by_which_brokers_add_partitions(call, key, version):
    """The versions of KIP-890; a broker that takes lower ones alone is refused before anything is sent."""
    call.build_request_header(1, "worker")
    assert struct.unpack_from(">hh", call.encode()) == (key, version)
    assert call.prepare({key: (0, version)}) is call
    with pytest.raises(IncompatibleBrokerVersion, match=f"versions 0 to {version - 1}, not {version}"):
        call.prepare({key: (0, version - 1)})
    with pytest.raises(IncompatibleBrokerVersion):
        call.prepare({})


def test_batches_of_a_place_have_consecutive_numbers_until_the_epoch_changes():
    """Each place counts for itself, modulo 2^31; with another epoch all begin at 0."""

    async def numbers():
        producer = TransactionalProducer({"bootstrap_servers": "127.0.0.1:1"}, "shop", 3)
        flips, letters = ("flips", 3), ("letters", 0)
        producer._kafka.who = WHO
        found = [_first(producer, flips, 2), _first(producer, letters, 1), _first(producer, flips, 3)]
        producer._sequences[flips] = 2**31 - 2
        found += [_first(producer, flips, 5), _first(producer, flips, 1)]
        producer._kafka.who = WHO._replace(epoch=13)
        found += [_first(producer, flips, 1), _first(producer, letters, 1), _first(producer, flips, 1)]
        producer._kafka.who = WHO._replace(producer_id=5, epoch=13)
        return [*found, _first(producer, flips, 1)]

    assert asyncio.run(numbers()) == [
        (4711, 12, 0), (4711, 12, 0), (4711, 12, 2), (4711, 12, 2**31 - 2), (4711, 12, 3), (4711, 13, 0),
        (4711, 13, 0), (4711, 13, 1), (5, 13, 0),
    ]  # fmt: skip


def _first(producer, place, count):
    """Producer, epoch and number of the first record, as they are in a batch of so many records."""
    made = {}
    producer.add_all(made, "any", 1, {b"%d" % number: b"" for number in range(count)})
    (batch,) = made["any"]
    return struct.unpack_from(">qhi", bytes(producer._numbered(place, batch)), 43)
