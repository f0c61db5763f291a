"""All destinations of one process: each by itself, so that one that is slow or broken delays nobody else."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from kafka.errors import KafkaError as NamedError

from streams.delivery.channel import Channel, Parts
from streams.delivery.config import Destination
from streams.delivery.feed import Feed, group_of
from streams.delivery.flip import Flip
from streams.delivery.ledger import Ledger
from streams.delivery.letters import Letters
from streams.delivery.messages import Writer
from streams.delivery.sending import Client
from streams.delivery.timing import Clock, WallClock
from streams.delivery.view import Sources, View
from streams.errors import BrokerAway, StreamsError
from streams.kafka.connection import connection
from streams.registry.registry import Registry
from streams.settings.settings import Settings
from streams.telemetry.delivery import ChannelState, DeliveryMetrics

log = logging.getLogger(__name__)

AGAIN = 10.0
"""Seconds before a destination that ended in an error is started again."""


def ledger_file(settings: Settings, destination: str) -> Path:
    """Where it is kept what a destination was sent."""
    return settings.data_dir / "deliver" / f"{destination}.db"


@dataclass(slots=True)
class Service:
    """What the destinations of a process share, and the destinations."""

    settings: Settings
    destinations: Sequence[Destination]
    titles: Mapping[str, Mapping[str, str]]
    """The names of the segments by language."""
    registry: Registry | None
    metrics: DeliveryMetrics
    sources: Sources
    """Reads the profile sources beside `profiles`."""
    clock: Clock = field(default_factory=WallClock)
    ready: bool = False
    partitions: int = 0
    _channels: dict[str, Channel] = field(default_factory=dict)
    _ledgers: dict[str, Ledger] = field(default_factory=dict)
    _view: View | None = None
    _producer: AIOKafkaProducer | None = None

    def states(self) -> Iterable[ChannelState]:
        """The destinations as they are now."""
        for to in self.destinations:
            if to.name in self._channels:
                yield self._channels[to.name].state
            elif to.name in self._ledgers:
                yield ChannelState(to.name, 0, None, self._ledgers[to.name].disabled is not None)

    @property
    def view(self) -> View:
        """Memberships and consents as they are."""
        if self._view is None:
            raise RuntimeError("the service has not been started")
        return self._view

    async def start(self, partitions: int, enable: Iterable[str] = ()) -> None:
        """Open the files, and read memberships and consents; the topics have `partitions` partitions."""
        self.partitions = partitions
        client = connection(self.settings)
        for to in self.destinations:
            self._ledgers[to.name] = Ledger(ledger_file(self.settings, to.name))
            if to.name in enable:
                self._ledgers[to.name].note("disabled", "")
        self._producer = AIOKafkaProducer(**client, acks="all", enable_idempotence=True)
        await self._producer.start()
        consents = {name for to in self.destinations for name in to.consents}
        group = group_of(self.settings, self.destinations[0].name)
        self._view = View(client, group, self._wanted, consents, self.registry, self.sources)
        await self._view.start(partitions)
        for ledger in self._ledgers.values():
            # Not before all is read: a null of long ago may be followed by a new life.
            self._view.forgotten.append(ledger.forget)
            ledger.sweep(self._view.knows)

    def _wanted(self, segment: str) -> bool:
        return any(to.wants(segment) for to in self.destinations)

    async def stop(self) -> None:
        """Close everything."""
        if self._view is not None:
            await self._view.stop()
        if self._producer is not None:
            await self._producer.stop()
        for ledger in self._ledgers.values():
            ledger.close()

    async def run(self, stop: asyncio.Event, *, take_over: bool = False) -> None:
        """Deliver to all until told to stop; StreamsError if a destination can't be begun as things are."""
        tasks = [
            asyncio.create_task(self._forever(to, take_over=take_over), name=f"destination-{to.name}")
            for to in self.destinations
        ]
        tasks.append(asyncio.create_task(self.view.ended()))
        stopped = asyncio.create_task(stop.wait())
        self.ready = True
        try:
            done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self.ready = False
            for task in (stopped, *tasks):
                task.cancel()
            await asyncio.gather(stopped, *tasks, return_exceptions=True)

    async def _forever(self, to: Destination, *, take_over: bool) -> None:
        """Deliver to one destination; after an error, from what is committed."""
        while True:
            if (why := self._ledgers[to.name].disabled) is not None:
                log.error("%s: is disabled (%s): `--enable %s` begins it again", to.name, why, to.name)
                await asyncio.Event().wait()
            try:
                await self._deliver(to, take_over=take_over)
            except (KafkaError, NamedError, BrokerAway, TimeoutError) as error:
                log.warning("%s: Kafka does not answer (%r): begins again in %.0f s", to.name, error, AGAIN)
                await asyncio.sleep(AGAIN)
            except StreamsError:
                raise
            except Exception:
                log.exception("%s: ended in an error, and begins again in %.0f s", to.name, AGAIN)
                await asyncio.sleep(AGAIN)

    async def _deliver(self, to: Destination, *, take_over: bool) -> None:
        feed = Feed(to, self.settings, connection(self.settings), self._ledgers[to.name], self.registry)
        client = Client(to)
        channel = self.channel(to, client, feed.settled)
        try:
            await feed.start(self.partitions, take_over=take_over)
            log.info("%s: delivering to %s", to.name, to.url)
            await _first_to_end(feed.run(channel), channel.run())
        finally:
            await feed.stop()
            await client.close()

    def disabled(self, to: Destination) -> str | None:
        """Why nothing is sent to a destination any more; None: it is."""
        return self._ledgers[to.name].disabled

    def segments_sent(self) -> set[str]:
        """The segments of which any destination was ever sent anything: their rules may be gone meanwhile."""
        return {segment for ledger in self._ledgers.values() for segment in ledger.segments()}

    def channel(self, to: Destination, client: Client, settled: Callable[[Flip], None]) -> Channel:
        """The channel of a destination; `settled` is told of each flip that is done with."""
        if self._producer is None:
            raise RuntimeError("the service has not been started")
        parts = Parts(
            self.view,
            self._ledgers[to.name],
            client,
            Writer(to, f"/segments/{self.settings.group}", self.titles.get(to.language or "", {})),
            Letters(to.name, self._producer).give_up,
            self.metrics,
            self.clock,
        )
        self._channels[to.name] = Channel(to, parts, settled)
        return self._channels[to.name]

    async def send(self, to: Destination, flips: Iterable[Flip]) -> Channel:
        """Send flips that are in no topic of events, to the last of them; the channel knows what became of them."""
        self._ledgers[to.name].drop_attempts({})
        client = Client(to)
        channel = self.channel(to, client, lambda _flip: None)
        running = asyncio.create_task(channel.run())
        try:
            for flip in flips:
                while not channel.lanes.room:
                    await _until(channel, running)
                channel.add(flip)
            while channel.lanes.held and not channel.disabled.is_set():
                await _until(channel, running)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await client.close()
        return channel


async def _until(channel: Channel, running: asyncio.Task[None]) -> None:
    """Wait until a channel has settled something."""
    channel.changed.clear()
    changed = asyncio.create_task(channel.changed.wait())
    await asyncio.wait([changed, running], return_when=asyncio.FIRST_COMPLETED)
    changed.cancel()
    if running.done():
        running.result()


async def _first_to_end(*runs: Coroutine[None, None, None]) -> None:
    """Run until one of these ends, and end the others with it."""
    tasks = [asyncio.create_task(each) for each in runs]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
