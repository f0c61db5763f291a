"""Faust's consumer, delivering whole runs of the input topics, and single records of every other topic.

For the input topics Faust keeps no offsets, tracks no acknowledgement and commits nothing: positions belong to
the task that owns the partition. For other topics it is Faust as documented, with repairs of what stock Faust
0.15.3 does: acknowledgements are committed before they are forgotten; partitions that never committed are sought
explicitly; the set of partitions asked for is a copy; a refused commit doesn't end the worker.
"""

# ruff: noqa: SLF001, ARG002, ASYNC109  private parts of Faust are overridden here, with its signatures

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, IllegalStateError, KafkaConnectionError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.transport.fetch import Timed, fetch_runs
from streams.transport.joining import error_of, keep_name
from streams.transport.pace import space
from streams.transport.runs import Run, Runs

Partitions = Iterable[TP]

METADATA_AGE = 5_000
"""Milliseconds between two requests for the metadata of the topics, each of some hundred bytes."""
CONNECT_AGAIN = 1.0
"""Seconds between two attempts to find a broker."""


class PauseFirst(driver.ConsumerRebalanceListener):
    """Pauses the input partitions of a new assignment before anything else."""

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Pause, so that nothing is fetched before the partition is taken over."""
        thread: Any = self._thread
        consumer = thread._ensure_consumer()
        consumer.pause(*[tp for tp in assigned if tp.topic in thread.app.run_topics])
        await super().on_partitions_assigned(assigned)


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka fetches and keeps the membership of the group alive."""

    def _stopped_set(self) -> None:
        # mode calls the thread's loop even if the thread has ended by itself, as it does after a crash.
        if not self.thread_loop.is_closed():
            super()._stopped_set()

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        conf = self.app.conf
        app: Any = self.app
        self._assignor = self.app.assignor
        return AIOKafkaConsumer(
            **app.client_settings,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
            auto_offset_reset=conf.consumer_auto_offset_reset,
            isolation_level="read_committed",
            max_poll_interval_ms=int((conf.broker_max_poll_interval or 300) * 1000),
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            # A resumed partition waits until the fetch under way ends: keep that short.
            fetch_max_wait_ms=200,
            retry_backoff_ms=100,
            # So soon is it noticed that a topic was made again.
            metadata_max_age_ms=METADATA_AGE,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
        )

    async def on_start(self) -> None:
        """Connect; repeat until a broker answers, since one may go away at this moment, too."""
        await connected(super().on_start, self)
        space(self._ensure_consumer())
        coordinator: Any = self._ensure_consumer()._coordinator
        if coordinator is not None and self.app.conf.consumer_group_instance_id is not None:
            keep_name(coordinator)

    async def group_error(self) -> KafkaError | None:
        """Return the error of the membership since the last call. The call lets the membership try again."""
        if self._consumer is None:
            return None
        error: KafkaError | None = await self.call_thread(self._group_error)
        return error

    async def _group_error(self) -> KafkaError | None:
        coordinator = self._ensure_consumer()._coordinator
        return None if coordinator is None else error_of(coordinator)

    async def fetch(self, wanted: frozenset[TP], timeout: float) -> list[Run]:
        """Ask the thread for runs."""
        runs, seconds = await self.call_thread(self._fetch, wanted, timeout)
        app: Any = self.app
        app.on_fetched(seconds)
        return list(runs)

    async def _fetch(self, wanted: frozenset[TP], timeout: float) -> Timed:
        if not self.consumer.flow_active:
            return [], 0.0
        app: Any = self.app
        return await fetch_runs(self._ensure_consumer(), wanted, timeout, raw=app.run_topics)

    async def place(self, positions: Mapping[TP, int]) -> None:
        """Seek input partitions and resume fetching them."""
        await self.call_thread(self._place, positions)

    async def _place(self, positions: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for partition, offset in positions.items():
            consumer.seek(TopicPartition(*partition), offset)
        consumer.resume(*[TopicPartition(*partition) for partition in positions])

    def hold(self, partition: TP, held: bool) -> None:
        """Pause or resume fetching an input partition; nothing that was fetched is lost."""
        self.thread_loop.call_soon_threadsafe(self._hold, partition, held)

    def _hold(self, partition: TP, held: bool) -> None:
        consumer = self._ensure_consumer()
        change = consumer.pause if held else consumer.resume
        try:
            change(TopicPartition(*partition))
        except IllegalStateError:
            self.log.debug("%r is not ours any more", partition)

    def last_stable(self, partition: TP) -> int:
        """Return the last stable offset of the latest fetch; 0 if the partition is not ours or nothing was fetched."""
        try:
            return self._ensure_consumer().last_stable_offset(TopicPartition(*partition)) or 0
        except IllegalStateError:
            return 0

    async def seek_committed(self, partitions: Partitions) -> dict[TP, int | None]:
        """Seek partitions to what the group committed, or to the start if it never did."""
        return dict(await self.call_thread(self._seek_committed, list(partitions)))

    async def _seek_committed(self, partitions: Partitions) -> dict[TP, int | None]:
        consumer = self._ensure_consumer()
        found = {}
        for partition in partitions:
            sought = TopicPartition(*partition)
            offset = found[partition] = await consumer.committed(sought)
            if offset is not None:
                consumer.seek(sought, offset)
            elif self.app.conf.consumer_auto_offset_reset == "latest":
                await consumer.seek_to_end(sought)
            else:
                await consumer.seek_to_beginning(sought)
        return found

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._ensure_consumer()
        try:
            await consumer.commit(
                {TopicPartition(*each): OffsetAndMetadata(offset, "") for each, offset in offsets.items()}
            )
        except KafkaError as error:
            self.log.warning("offsets not committed, their records will come again: %s", error)
            return False
        return True

    async def heartbeat(self) -> bool:
        """Ask the group's coordinator whether this worker still is a member with this assignment."""
        return bool(await self.call_thread(self._heartbeat))

    async def _heartbeat(self) -> bool:
        coordinator: Any = self._ensure_consumer()._coordinator
        if coordinator.generation <= 0 or coordinator.coordinator_id is None:
            return False
        return bool(await coordinator._do_heartbeat()) and not coordinator._rejoin_needed_fut.done()


async def connected(start: Callable[[], Awaitable[None]], service: Any) -> None:
    """Start a client; repeat until a broker answers or the service must stop."""
    while not service.should_stop:
        try:
            return await start()
        except KafkaConnectionError as error:
            service.log.warning("%s, trying again", error)
        await asyncio.sleep(CONNECT_AGAIN)
    return None


class Consumer(driver.Consumer):
    """Delivers runs and records to the agents."""

    RebalanceListener = PauseFirst
    _thread: ConsumerThread
    commits_refused = False

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_run(self, topic: str) -> bool:
        app: Any = self.app
        return topic in app.run_topics

    def track_message(self, message: Any) -> None:
        """Track what Faust has to commit, which runs are not."""
        if not self._is_run(message.topic):
            super().track_message(message)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit acknowledgements, then forget them: stock Faust forgets them first."""
        await self._on_partitions_revoked(revoked)
        self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        for kept in (self._gap, self._acked, self._acked_index, self._read_offset, self._committed_offset):
            for partition in revoked:
                kept.pop(partition, None)

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Commit, unless an agent failed or a record that it sent was not delivered."""
        if self.app.monitor.send_errors:
            self.commits_refused = True
            await self.app.crash(RuntimeError("a record sent by an agent was not delivered"))
        if self.commits_refused:
            return False
        return bool(await super().force_commit(topics, start_new_transaction))

    async def verify_all_partitions_active(self) -> None:
        """Log nothing: Faust's check knows neither runs nor transactions; /readyz and the metrics report."""

    async def perform_seek(self) -> None:
        """Seek the partitions of other topics; those of the inputs are sought when they are taken over."""
        plain = [tp for tp in self.assignment() if not self._is_run(tp.topic)]
        for partition, offset in (await self._thread.seek_committed(plain)).items():
            self._read_offset[partition] = offset or None
            self._committed_offset[partition] = offset

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:
        """Fetch once, and yield one message for all runs, and one for each record of another topic."""
        if not self.flow_active:
            resumed: Any = self.can_resume_flow
            await self.wait(resumed)
        # A copy: aiokafka and rebalances both change the live set.
        wanted = frozenset(self._active_partitions)
        if not wanted:
            await self.sleep(0.05)
            return
        generation = self.app.consumer_generation_id
        fetched = await self._thread.fetch(wanted, timeout)
        for message in self._messages(fetched):
            if not self.flow_active or self._is_stale(message, generation):
                # Nothing is lost: after a rebalance every partition is sought before it is resumed.
                return
            yield message.tp, message

    def _is_stale(self, message: Any, generation: int) -> bool:
        """Whether a message belongs to an earlier assignment. For a run the owner decides, by the offsets."""
        return generation != self.app.consumer_generation_id and not self._is_run(message.topic)

    def _messages(self, fetched: Iterable[Run]) -> Iterable[Any]:
        """All runs in one message, under the partition of the first: Faust does a lot for each message."""
        runs = [run for run in fetched if self._is_run(run.topic)]
        if runs:
            first = runs[0]
            whole: Any = Runs(runs)
            yield ConsumerMessage(
                first.topic, first.partition, first.end - 1, 0.0, 1, None, None, whole, None, None, None,
                TP(first.topic, first.partition), generation_id=self.app.consumer_generation_id,
            )  # fmt: skip
        for run in fetched:
            if not self._is_run(run.topic):
                yield from (self._to_message(TP(run.topic, run.partition), each) for each in run.records)

    async def _drain_messages(self, fetcher: Any) -> None:
        while not (self.should_stop or fetcher.should_stop):
            try:
                async for partition, message in self.getmany(timeout=1.0):
                    await self._deliver(partition, message)
            except (ConsumerStoppedError, asyncio.CancelledError):
                if not self.app.should_stop:
                    raise
                return

    async def _deliver(self, partition: TP, message: Any) -> None:
        """Hand a message to the conductor. It is dropped if the flow is suspended meanwhile, and sought again."""
        if self._is_run(partition.topic):
            await self.wait_first(self.callback(message), self.suspend_flow.wait())
            return
        read = self._read_offset[partition]
        if read is not None and message.offset < read:
            return
        if read and message.offset - read > 1 and self.app.topics.acks_enabled_for(partition.topic):
            await self._add_gap(partition, read + 1, message.offset)
        await self.wait_first(self.callback(message), self.suspend_flow.wait())
        self._read_offset[partition] = message.offset
