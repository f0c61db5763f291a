"""A Faust application that delivers its input topics in runs, and other topics as Faust documents them."""

# ruff: noqa: SLF001, ARG002  private parts of Faust are overridden here, with its signatures

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import faust
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from streams.errors import StreamsError
from streams.transport.beside import Beside
from streams.transport.consumer import Consumer, connected
from streams.transport.recovery import Tables
from streams.transport.runs import Run


class Owners(Protocol):
    """Owns the input partitions; one task for each."""

    async def assign(self, partitions: frozenset[int]) -> None:
        """Take these partitions over, and forget all others."""

    async def release(self) -> None:
        """Finish or drop what is under way: the group takes these partitions away."""

    def deliver(self, run: Run) -> None:
        """Hand a run to whoever owns its partition."""

    async def stop(self) -> None:
        """Release for good."""


class RunSchema(Schema[Any, Any]):
    """Passes runs through: they hold raw records, decoded by their owner."""

    def compile(self, app: Any, **_options: Any) -> Any:
        """Return what makes an event of a message."""

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust names it
            return app.create_event(None, message.value, (), message)

        return decode


class Producer(driver.Producer):
    """Faust's producer, for what plain agents send."""

    app: Any

    def _new_producer(self, transactional_id: str | None = None) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **self.app.client_settings,
            enable_idempotence=True,
            linger_ms=self.linger_ms,
            partitioner=self.partitioner,
        )

    async def on_start(self) -> None:
        """Connect; repeat until a broker answers."""
        await connected(super().on_start, self)

    async def flush(self) -> None:
        """Flush all there is: stock Faust gives up after 0.1 s without progress."""
        while self.buffer.size:
            await self.buffer.flush()
        await super().flush()


class Transport(driver.Transport):
    """Makes the consumer and the producer above."""

    Consumer = Consumer
    Producer = Producer


class BatchApp(faust.App):
    """The application.

    `client_settings` are the aiokafka arguments that say where the brokers are and who we are; `run_topics` are
    the input topics; `owners` own their partitions and must be set before the application starts.
    """

    owners: Owners
    input_partitions: int
    """How many partitions each input topic had at the start."""
    on_fetched: Callable[[float], None]
    """Called with the seconds that unpacking a fetch took."""

    def __init__(
        self, group: str, *, client_settings: Mapping[str, Any], run_topics: Iterable[str], **settings: Any
    ) -> None:
        """Configure Faust so that neither the environment nor its web server can interfere."""
        self.client_settings = dict(client_settings)
        self.run_topics = frozenset(run_topics)
        self.input_partitions = sys.maxsize
        self.on_fetched = lambda _seconds: None
        self._beside = Beside(self.client_settings, lambda run: self.owners.deliver(run))
        super().__init__(
            group,
            broker="kafka://" + str(client_settings["bootstrap_servers"]).replace(",", ";kafka://"),
            env_prefix="SEGMENTS_WORKER_PRIVATE_FAUST_",
            TableManager=Tables,
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            table_standby_replicas=0,
            processing_guarantee="at_least_once",
            stream_wait_empty=True,
            **settings,
        )

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Transport:
        return Transport(self.conf.broker_producer, self)

    def _create_directories(self) -> None:
        """Make none: the table of the customers keeps its own files."""

    def run_topic(self) -> Any:
        """Return the channel of runs for an agent."""
        return self.topic(*sorted(self.run_topics), schema=RunSchema(), acks=False)

    def owned_partitions(self, assigned: Iterable[TP]) -> frozenset[int] | None:
        """Return the partitions that are ours in every input topic; None while a topic does not exist.

        Numbers beyond those of the start are among them: partitions were added, perhaps to one topic only.
        """
        topics: dict[int, set[str]] = {}
        for partition in assigned:
            if partition.topic in self.run_topics:
                topics.setdefault(partition.partition, set()).add(partition.topic)
        torn = [
            number
            for number, found in topics.items()
            if found != self.run_topics and number < self.input_partitions
        ]
        if torn and (missing := self.run_topics.difference(*topics.values())):
            self.log.error(
                "%s: missing, it was deleted: nothing is read until it is there again",
                ", ".join(sorted(missing)),
            )
            return None
        if torn:
            raise RuntimeError(f"the group assigned only a part of the inputs of the partitions {torn}")
        return frozenset(topics)

    async def place(self, number: int, positions: Mapping[str, int]) -> None:
        """Seek the inputs of a partition, and let them flow."""
        consumer: Any = self.consumer
        placed = {TP(topic, number): offset for topic, offset in positions.items()}
        others = {TopicPartition(*each): placed.pop(each) for each in list(placed) if self._is_beside(each)}
        if others:
            await self._beside.place(others)
        await consumer._thread.place(placed)

    def _is_beside(self, partition: TP) -> bool:
        return partition.topic not in self.run_topics

    def hold(self, topic: str, number: int, held: bool) -> None:
        """Stop or restart fetching an input partition."""
        consumer: Any = self.consumer
        if topic not in self.run_topics:
            self._beside.hold(TopicPartition(topic, number), held)
            return
        consumer._thread.hold(TP(topic, number), held)

    def end(self, topic: str, number: int) -> int:
        """Return the last stable offset of the latest fetch; 0 before the first one."""
        consumer: Any = self.consumer
        if topic not in self.run_topics:
            return self._beside.end(TopicPartition(topic, number))
        return int(consumer._thread.last_stable(TP(topic, number)))

    async def is_member(self) -> bool:
        """Ask the group whether this worker is still a member."""
        consumer: Any = self.consumer
        return bool(await consumer._thread.heartbeat())

    async def group_error(self) -> KafkaError | None:
        """Return the error of the group membership since the last call. The call lets the membership try again."""
        consumer: Any = self.consumer
        error: KafkaError | None = await consumer._thread.group_error()
        return error

    async def crash(self, reason: BaseException) -> None:
        """End everything. An error with a message of ours needs no traceback: who waits for `failed` logs it."""
        if isinstance(reason, StreamsError):
            self._crash(reason)
        else:
            await super().crash(reason)

    async def failed(self) -> BaseException:
        """Wait until a part of the application has crashed, and return why."""
        await self._crashed.wait()
        return self.crash_reason or RuntimeError("unknown reason")

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """Stop the worker without committing: stock Faust commits past the record that an agent failed at."""
        consumer: Any = self.consumer
        consumer.commits_refused = True
        self.log.critical("agent %s failed, the worker stops; its record comes again: %r", agent, exc)
        await self.crash(exc)

    async def _on_partitions_revoked(self, revoked: set[TP]) -> None:
        await self.owners.release()
        await super()._on_partitions_revoked(revoked)

    async def on_stop(self) -> None:
        """Commit what is applied before the consumer is stopped."""
        await self.owners.stop()
        await self._beside.stop()
        await super().on_stop()


__all__ = ["BatchApp", "Owners", "Run"]
