"""Whether the topics are still those that were read: a topic that is deleted and made again has another id (KIP-516).

Offsets of the old topic mean nothing in the new one: if the new one has more records than the old position, reading
would go on in the middle without a gap. So the ids are kept beside the states (`streams/worker/witness.py`), and
compared at a take-over and before each commit. aiokafka knows no version of the metadata request that tells ids: this
is version 12 (Kafka 3.0 and later), of whose answer only the names and ids of topics are read.
"""

# ruff: noqa: SLF001  aiokafka has no public way to send a request, or to read the notes beside offsets

import asyncio
import base64
import struct
import time
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Boolean,
    CompactArray,
    CompactString,
    Schema,
    TaggedFields,
    UnsignedVarInt32,
)

from streams.kafka.closing import closed, started

MOMENT = 0.25
"""Seconds for which an answer is good for those who ask later. To delete a topic, make it again, fill it beyond the old
position, and have that fetched takes longer: a fetch of a topic that is gone is tried again after 0.1 s, and needs new
metadata first."""

REQUEST_TIMEOUT = 10.0
"""Seconds."""

ID = 16
"""Bytes of a topic's id."""
NONE = bytes(ID)
"""The id for "none": in a request for a topic by name, or in the answer about an unknown topic."""


class Uuid(AbstractType[bytes]):  # type: ignore[misc]  # aiokafka has no types that mypy sees
    """A topic id on the wire."""

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """Sixteen bytes as they are."""
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        """Read them."""
        return data.read(ID)


class _Answer(Response):  # type: ignore[misc]
    """The answer; only names and ids of topics are kept."""

    API_KEY: ClassVar[int] = 3
    API_VERSION: ClassVar[int] = 12
    SCHEMA: ClassVar[Schema] = Schema()

    def __init__(self, ids: dict[str, str]) -> None:
        super().__init__()
        self.ids = ids

    @classmethod
    def decode(cls, data: BytesIO | bytes) -> "_Answer":
        """Read it, in the order of the protocol."""
        return cls(_ids(BytesIO(data) if isinstance(data, bytes) else data))


class _Ask(RequestStruct):  # type: ignore[misc]
    """The request: topics by name, none is created."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("id", Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _TopicsRequest(Request[_Ask]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics = tuple(topics)

    def build(self, request_struct_class: type[_Ask]) -> _Ask:
        """Make it."""
        return request_struct_class([(NONE, name, {}) for name in self._topics], False, False, {})


def _ids(data: BytesIO) -> dict[str, str]:
    data.read(4)  # throttle time
    for _ in range(_length(data)):
        data.read(4)  # the broker's id
        _text(data)
        data.read(4)  # port
        _text(data)  # rack
        TaggedFields.decode(data)
    _text(data)  # cluster
    data.read(4)  # controller
    found = {}
    for _ in range(_length(data)):
        (error,) = struct.unpack(">h", data.read(2))
        name, number = _text(data), data.read(ID)
        data.read(1)  # internal
        _pass_over_partitions(data)
        data.read(4)  # operations
        TaggedFields.decode(data)
        if error == 0 and name and number != NONE:
            found[name] = base64.urlsafe_b64encode(number).decode().rstrip("=")
    return found


def _pass_over_partitions(data: BytesIO) -> None:
    for _ in range(_length(data)):
        data.read(14)  # error, number, leader, its epoch
        for _ in range(3):  # replicas, those in sync, those that are away
            data.read(4 * _length(data))
        TaggedFields.decode(data)


def _length(data: BytesIO) -> int:
    """The length of an array; none at all counts as an empty one."""
    return max(0, int(UnsignedVarInt32.decode(data)) - 1)


def _text(data: BytesIO) -> str | None:
    text: str | None = CompactString("utf-8").decode(data)
    return text


class TopicIds:
    """Asks the brokers for the ids of the inputs, and the group for those that it has read."""

    def __init__(self, client: Mapping[str, Any], group: str, topics: Iterable[str]) -> None:
        """Prepare a client that joins no group."""
        self._topics = tuple(topics)
        self._settings = dict(client) | {
            "group_id": group,
            "enable_auto_commit": False,
            "request_timeout_ms": int(REQUEST_TIMEOUT * 1000),
            "retry_backoff_ms": 50,
        }
        self._consumer: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()
        self._asking: asyncio.Task[dict[str, str]] | None = None
        self._known: dict[str, str] = {}
        self._asked_at = float("-inf")

    async def _connected(self) -> Any:
        """Connect at the first request. Raises KafkaError if no broker answers."""
        async with self._connecting:
            if self._consumer is None:
                self._consumer = await started(AIOKafkaConsumer(**self._settings))
        return self._consumer

    def follow(self, topics: Iterable[str]) -> None:
        """Ask for these topics, too, from the next time on."""
        if more := set(topics).difference(self._topics):
            self._topics, self._asked_at = (*self._topics, *sorted(more)), float("-inf")

    async def stop(self) -> None:
        """Disconnect."""
        if self._asking is not None:
            self._asking.cancel()
        if self._consumer is not None:
            await closed(self._consumer.stop())

    async def now(self) -> dict[str, str]:
        """Return the id of each topic that exists, as it was at most `MOMENT` before this call, or since.

        Of brokers before Kafka 3.0 none.
        """
        oldest = time.monotonic() - MOMENT
        while self._asked_at < oldest:
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask(), name="topic-ids")
            # One request serves all partitions that ask meanwhile; the shield keeps it when one of them is cancelled.
            # The loop asks again if the request began too long before this call. Of one that began after it the answer
            # counts however late it comes: what was fetched before the call is what it is compared for.
            await asyncio.shield(self._asking)
        return self._known

    async def _ask(self) -> dict[str, str]:
        asked_at, topics = time.monotonic(), self._topics
        async with asyncio.timeout(REQUEST_TIMEOUT):
            client = (await self._connected())._client
            try:
                answer = await client.send(client.get_random_node(), _TopicsRequest(topics))
            except NotImplementedError:
                # No common version: brokers that know no ids.
                self._known, self._asked_at = {}, float("inf")
                return self._known
        self._known = answer.ids
        if topics == self._topics:
            self._asked_at = asked_at
        return self._known

    async def committed(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, str]:
        """Return the notes that the group has beside its offsets; none where there is no offset."""
        async with asyncio.timeout(REQUEST_TIMEOUT):
            coordinator = (await self._connected())._coordinator
            found = await coordinator.fetch_committed_offsets(list(partitions))
        return {place: each.metadata for place, each in found.items() if each.offset >= 0}
