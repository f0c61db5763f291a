"""The steps of a transaction, each of them repeated until the broker has done it or has refused it for good.

Every step may be repeated: partitions, offsets and the end of a transaction are asked for by what they shall be, and
of a batch the broker knows the sequence number. What passes (a coordinator or a leader has moved, a connection is lost,
markers of the transaction before are still being written) is tried again until the caller gives up.
"""

# ruff: noqa: SLF001  aiokafka has no public way to send a request, or to ask for a topic

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    DuplicateSequenceNumber,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    IncompatibleBrokerVersion,
    KafkaError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    NotCoordinatorForGroupError,
    OperationNotAttempted,
    ProducerClosed,
    ProducerFenced,
    RecordListTooLargeError,
    for_code,
)

from streams.kafka.closing import closed
from streams.transport import calls
from streams.transport.calls import Call, Ended, Identity, Place

log = logging.getLogger(__name__)

REQUEST_TIMEOUT = 10.0
"""Seconds in which a broker answers a request; after that it is asked again over another connection."""

AGAIN = 0.05
"""Seconds after which a step is repeated."""

MARKERS = 0.002
"""Seconds after which a step is repeated where markers of the transaction before are being written: a broker takes a
few milliseconds for them."""

FENCED = 90
"""The newer one of two errors that tell a producer that it is fenced; aiokafka does not know it."""

MOVED = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError, NotCoordinatorForGroupError)
PASSING = (ConcurrentTransactions, OperationNotAttempted, *MOVED)
"""What passes, of errors that aiokafka doesn't call retriable."""


class Refused(Exception):
    """A batch is larger than its topic takes."""

    def __init__(self, place: Place) -> None:
        """Say which."""
        super().__init__(*place)
        self.place = place


class Transactions:
    """The connections of one transactional id."""

    def __init__(self, client: Mapping[str, Any], group: str) -> None:
        """Prepare, without talking to a broker, with the arguments of a client; the offsets are those of `group`."""
        self._client = AIOKafkaClient(
            **client, request_timeout_ms=int(REQUEST_TIMEOUT * 1000), retry_backoff_ms=int(AGAIN * 1000)
        )
        self._group = group
        self._coordinators: dict[CoordinationType, int] = {}
        self._closed = False
        self.implicit = False
        """Whether the brokers add partitions to a transaction as they are written (KIP-890)."""
        self.who = Identity("", -1, -1)
        """By which the brokers know the producer; the epoch may be another one in each transaction."""

    async def start(self, transactional_id: str, abort_after: float) -> None:
        """Take the transactional id over; brokers abort a transaction after so many seconds."""
        self.who = Identity(transactional_id, -1, -1)
        await self._client.bootstrap()
        self.implicit = await self._until_done(self._is_implicit)
        taken: Ended = await self._coordinated(
            calls.init_producer_id(transactional_id, int(abort_after * 1000))
        )
        self.who = Identity(transactional_id, taken.producer_id, taken.epoch)

    async def _is_implicit(self) -> bool:
        node = await self._coordinator(CoordinationType.TRANSACTION)
        try:
            levels = await self._send(node, calls.features())
        except IncompatibleBrokerVersion:
            return False
        return bool(levels.get(calls.TRANSACTION_VERSION, 0) >= calls.IMPLICIT)

    async def begin(self, places: Iterable[Place]) -> None:
        """Add to the transaction what will be written, unless the brokers do that themselves."""
        if places and not self.implicit:
            await self._coordinated(calls.add_partitions(self.who, places))

    async def write(self, batches: Mapping[Place, bytes]) -> dict[Place, int]:
        """Write a batch in each place; returns the offsets of their first records, -1 where that is not known.

        Raises:
            Refused: one is larger than its topic takes.

        """
        written: dict[Place, int] = {}

        async def attempt() -> None:
            left = {place: batch for place, batch in batches.items() if place not in written}
            nodes = list((await self._by_leader(left)).items())
            # Brokers that add a partition to a transaction at the same time wait for each other, 20 ms by default. So
            # they are asked one after the other.
            asked = [
                self._send(node, self._produce({place: left[place] for place in places}))
                for node, places in (nodes[:1] if self.implicit else nodes)
            ]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            # What has been written is noted before an error is told.
            errors = [error for answer in answers for error in _noted(answer, written)]
            if errors:
                raise min(errors, key=_passes)

        while len(written) < len(batches):
            await self._until_done(attempt)
        return written

    def _produce(self, batches: Mapping[Place, bytes]) -> Call:
        return calls.produce(self.who, batches, int(REQUEST_TIMEOUT * 1000), implicit=self.implicit)

    async def commit_offsets(self, offsets: Mapping[Place, int]) -> None:
        """Write offsets of the group, after `write` has returned: both add something to the transaction."""
        if not self.implicit:
            await self._coordinated(calls.add_offsets(self.who, self._group))
        call = calls.commit_offsets(self.who, self._group, offsets, implicit=self.implicit)
        await self._coordinated(call, CoordinationType.GROUP)

    async def end(self) -> None:
        """Commit."""
        ended: Ended = await self._coordinated(calls.end(self.who, implicit=self.implicit))
        self.who = self.who._replace(producer_id=ended.producer_id, epoch=ended.epoch)

    async def _coordinated(self, call: Call, kind: CoordinationType = CoordinationType.TRANSACTION) -> Any:
        """What a coordinator answers, once it has done what it was asked for."""

        async def attempt() -> Any:
            answer = await self._send(await self._coordinator(kind), call)
            errors = [_error(code, name) for name, code in calls.codes(answer) if code]
            if errors:
                raise min(errors, key=_passes)
            return answer

        return await self._until_done(attempt)

    async def _until_done(self, attempt: Callable[[], Awaitable[Any]]) -> Any:
        """Repeat it while what goes wrong passes."""
        while True:
            try:
                return await attempt()
            except KafkaError as error:
                if self._closed or not _passes(error):
                    raise
                if isinstance(error, ConcurrentTransactions):
                    await asyncio.sleep(MARKERS)
                    continue
                log.info("%s: asking again: %r", self.who.transactional_id, error)
            self._coordinators.clear()
            await asyncio.sleep(AGAIN)
            await self._client.force_metadata_update()

    async def _send(self, node: int, call: Call) -> Any:
        if self._closed:
            raise ProducerClosed
        return await self._client.send(node, call)

    async def _coordinator(self, kind: CoordinationType) -> int:
        if kind not in self._coordinators:
            key = self._group if kind is CoordinationType.GROUP else self.who.transactional_id
            self._coordinators[kind] = await self._client.coordinator_lookup(kind, key)
        return self._coordinators[kind]

    async def _by_leader(self, places: Iterable[Place]) -> dict[int, list[Place]]:
        """Places by the broker that leads them."""
        found: dict[int, list[Place]] = {}
        for place in places:
            await self._client._wait_on_metadata(place[0])
            leader = self._client.cluster.leader_for_partition(TopicPartition(*place))
            if leader is None or leader < 0:
                raise LeaderNotAvailableError(calls.named(place))
            found.setdefault(leader, []).append(place)
        return found

    async def close(self) -> None:
        """Close the connections, without waiting for what is asked."""
        if self._closed:
            return
        self._closed = True
        await closed(self._client.close())


def _noted(answer: Any, written: dict[Place, int]) -> list[BaseException]:
    """Note what an answer says was written; returns the other errors."""
    if isinstance(answer, BaseException):
        return [answer]
    errors: list[BaseException] = []
    for place, (code, offset) in answer.items():
        error = _error(code, calls.named(place)) if code else None
        if error is None or isinstance(error, DuplicateSequenceNumber):
            # Of a batch that was written a while ago the broker may have forgotten where.
            written[place] = offset if error is None else -1
        elif isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            errors.append(Refused(place))
        else:
            errors.append(error)
    return errors


def _error(code: int, of: str) -> KafkaError:
    error: KafkaError = ProducerFenced() if code == FENCED else for_code(code)(f"error {code} {of}".rstrip())
    return error


def _passes(error: BaseException) -> bool:
    """Whether the same can be asked for again."""
    return isinstance(error, KafkaError) and (error.retriable or isinstance(error, PASSING))
