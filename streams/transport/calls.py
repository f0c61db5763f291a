"""The requests of a Kafka transaction: those of kafka-python, sent over aiokafka's connections.

aiokafka knows no version of them by which a broker adds partitions to a transaction as they are written (KIP-890, Kafka
4.0 and later). That version is called `implicit` here; where it isn't asked for, requests have a version that every
broker since Kafka 2.1 takes.
"""

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

from aiokafka.errors import IncompatibleBrokerVersion
from kafka.protocol.metadata.api_versions import ApiVersionsRequest, ApiVersionsResponse
from kafka.protocol.producer.produce import ProduceRequest, ProduceResponse
from kafka.protocol.producer.transaction import (
    AddOffsetsToTxnRequest,
    AddOffsetsToTxnResponse,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    EndTxnRequest,
    EndTxnResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
)

Place = tuple[str, int]
"""Topic and partition."""

TRANSACTION_VERSION = "transaction.version"
"""The feature of a cluster from whose level `IMPLICIT` on partitions are added to transactions as they are written."""

IMPLICIT = 2

ALL_IN_SYNC = -1
"""Acknowledged when all replicas in sync have it."""

NO_GENERATION = -1
"""Offsets are fenced by the transactional id, not by the generation of a consumer group."""


class Identity(NamedTuple):
    """By which brokers know a producer."""

    transactional_id: str
    producer_id: int
    epoch: int


class Written(NamedTuple):
    """What became of a batch."""

    error: int
    offset: int
    """Of its first record, -1 if that is not known."""


class Ended(NamedTuple):
    """What became of a transaction, and by which number and epoch the next one is written."""

    error: int
    producer_id: int
    epoch: int


class _Header:
    """In place of aiokafka's header of a request: the request has its own already."""

    @staticmethod
    def encode() -> bytes:
        return b""


class Call:
    """A request as aiokafka's connection sends it: request, its structure and the reader of its answer in one."""

    def __init__(self, request: Any, answer: Any, read: Callable[[Any], Any]) -> None:
        """Prepare to send a request and to `read` what is kept of its answer."""
        self._request = request
        self._answer = answer
        self._read = read

    @property
    def RESPONSE_TYPE(self) -> "Call":  # noqa: N802  aiokafka's name
        """What decodes the answer."""
        return self

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> "Call":
        """Refuse a broker that does not take this version of the request.

        Raises:
            IncompatibleBrokerVersion: it does not.

        """
        key, version = self._request.API_KEY, self._request.API_VERSION
        lowest, highest = versions.get(key, (0, -1))
        if not lowest <= version <= highest:
            raise IncompatibleBrokerVersion(
                f"the broker takes {self._request.name} in the versions {lowest} to {highest}, not {version}"
            )
        return self

    def build_request_header(self, correlation_id: int, client_id: str) -> _Header:
        """Put the header into the request."""
        self._request.with_header(correlation_id, client_id)
        return _Header()

    def encode(self) -> bytes:
        """Return the request with its header."""
        encoded: bytes = self._request.encode(header=True)
        return encoded

    def parse_response_header(self, data: BytesIO) -> Any:
        """Read the header of the answer."""
        return self._answer.parse_header(data, version=self._request.API_VERSION)

    def decode(self, data: BytesIO) -> Any:
        """Read the answer behind its header."""
        return self._read(self._answer.decode(data, version=self._request.API_VERSION))


def named(place: Place) -> str:
    """As it is written for people."""
    return f"{place[0]}-{place[1]}"


def codes(answer: Any) -> Iterable[tuple[str, int]]:
    """What an answer of a coordinator says of what, as the protocol's codes of errors; 0 stands for none."""
    if isinstance(answer, dict):
        return [(named(place), code) for place, code in answer.items()]
    return [("", answer.error if isinstance(answer, Ended) else answer)]


def features() -> Call:
    """Ask a broker for the levels of the cluster's features: by name."""
    request = ApiVersionsRequest[3](client_software_name="segments", client_software_version="1")
    return Call(
        request,
        ApiVersionsResponse,
        lambda answer: {each.name: each.max_version_level for each in answer.finalized_features or ()},
    )


def init_producer_id(transactional_id: str, timeout: int) -> Call:
    """Take the transactional id over: `Ended`. `timeout` of a transaction, in milliseconds."""
    request = InitProducerIdRequest[0](transactional_id=transactional_id, transaction_timeout_ms=timeout)
    return Call(request, InitProducerIdResponse, _ended)


def add_partitions(who: Identity, places: Iterable[Place]) -> Call:
    """Add partitions to the transaction: errors by place."""
    topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
    request = AddPartitionsToTxnRequest[0](
        v3_and_below_transactional_id=who.transactional_id,
        v3_and_below_producer_id=who.producer_id,
        v3_and_below_producer_epoch=who.epoch,
        v3_and_below_topics=[
            topic(name=name, partitions=list(numbers))
            for name, numbers in _by_topic(dict.fromkeys(places)).items()
        ],
    )
    return Call(
        request,
        AddPartitionsToTxnResponse,
        lambda answer: {
            (topic.name, each.partition_index): each.partition_error_code
            for topic in answer.results_by_topic_v3_and_below
            for each in topic.results_by_partition
        },
    )


def add_offsets(who: Identity, group: str) -> Call:
    """Add a group's offsets to the transaction: an error."""
    request = AddOffsetsToTxnRequest[0](
        transactional_id=who.transactional_id,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        group_id=group,
    )
    return Call(request, AddOffsetsToTxnResponse, lambda answer: answer.error_code)


def produce(who: Identity, batches: Mapping[Place, bytes], timeout: int, *, implicit: bool) -> Call:
    """Write one batch in each place: `Written` by place.

    `implicit`: the broker adds the places to the transaction. `timeout` for the replicas, in milliseconds.
    """
    topic = ProduceRequest.TopicProduceData
    partition = topic.PartitionProduceData
    request = ProduceRequest[12 if implicit else 7](
        transactional_id=who.transactional_id,
        acks=ALL_IN_SYNC,
        timeout_ms=timeout,
        topic_data=[
            topic(
                name=name,
                partition_data=[partition(index=number, records=batch) for number, batch in some.items()],
            )
            for name, some in _by_topic(batches).items()
        ],
    )
    return Call(
        request,
        ProduceResponse,
        lambda answer: {
            (topic.name, each.index): Written(each.error_code, each.base_offset)
            for topic in answer.responses
            for each in topic.partition_responses
        },
    )


def commit_offsets(who: Identity, group: str, offsets: Mapping[Place, int], *, implicit: bool) -> Call:
    """Write a group's offsets: errors by place. `implicit`: the broker adds them to the transaction."""
    topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
    partition = topic.TxnOffsetCommitRequestPartition
    generation = {"generation_id": NO_GENERATION, "member_id": "", "group_instance_id": None}
    request = TxnOffsetCommitRequest[5 if implicit else 0](
        transactional_id=who.transactional_id,
        group_id=group,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        **(generation if implicit else {}),
        topics=[
            topic(
                name=name,
                partitions=[
                    partition(partition_index=number, committed_offset=offset, committed_metadata="")
                    for number, offset in some.items()
                ],
            )
            for name, some in _by_topic(offsets).items()
        ],
    )
    return Call(
        request,
        TxnOffsetCommitResponse,
        lambda answer: {
            (topic.name, each.partition_index): each.error_code
            for topic in answer.topics
            for each in topic.partitions
        },
    )


def end(who: Identity, *, implicit: bool) -> Call:
    """Commit the transaction: `Ended`; after an `implicit` one the next transaction has another epoch."""
    request = EndTxnRequest[5 if implicit else 0](
        transactional_id=who.transactional_id,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        committed=True,
    )
    if implicit:
        return Call(request, EndTxnResponse, _ended)
    return Call(request, EndTxnResponse, lambda answer: Ended(answer.error_code, who.producer_id, who.epoch))


def _ended(answer: Any) -> Ended:
    return Ended(answer.error_code, answer.producer_id, answer.producer_epoch)


def _by_topic(places: Mapping[Place, Any]) -> dict[str, dict[int, Any]]:
    topics: dict[str, dict[int, Any]] = {}
    for (topic, number), value in places.items():
        topics.setdefault(topic, {})[number] = value
    return topics
