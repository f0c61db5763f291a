"""The task that owns one partition for as long as the group assigns it: it takes over, serves, and starts again."""

import asyncio
import logging
import time
from collections.abc import Iterable

from aiokafka.errors import KafkaError

from segments.engine import CommittedStates, Partition
from segments.language.errors import SegmentsError
from streams.kafka.permissions import NotAllowed
from streams.telemetry.gauges import PartitionState
from streams.transport import BatchApp, Run
from streams.transport.errors import CommitFailed, Replaced, TooLarge
from streams.worker.caution import Caution
from streams.worker.context import Limits, WorkerContext
from streams.worker.intake import Again
from streams.worker.service import Service
from streams.worker.standing import Standing
from streams.worker.succession import Succeeded, Waiting
from streams.worker.takeover import OwnedPartition, sources_of, succeed, take_over

log = logging.getLogger(__name__)

BACKOFF = (0.1, 0.2, 0.5, 1, 2, 5, 10)
"""Seconds before the next take-over, by the number of failures in a row."""

LOOK_FOR_DEPLOYMENT = 1.0
"""Seconds between two looks for a first deployment; `segments deploy` waits until it is found."""

LOOK_AGAIN = 10.0
"""Seconds between two looks whether a replaced topic is back or was adopted."""


class Owner:
    """Owns a partition for as long as the group assigns it to this worker, through all failures."""

    def __init__(self, app: BatchApp, context: WorkerContext, number: int, limits: Limits) -> None:
        """Start nothing yet: `run` does."""
        self.number = number
        self._app = app
        self._context = context
        self._limits = limits
        self._stop = asyncio.Event()
        self._service: Service | None = None
        self._standing = Standing()
        self._caution = Caution(number)
        self._succeeded: Succeeded | None = None
        self.waiting: str | None = None
        """What the partition waits for before it can run, and what to do about it; None if nothing."""
        self.replaced: tuple[str, ...] = ()
        """The inputs that were deleted and made again."""

    @property
    def serving(self) -> bool:
        """Whether the partition is restored and being served."""
        return self._service is not None

    def deliver(self, run: Run) -> None:
        """Queue a fetched run. A run that arrives before the take-over is dropped, and fetched again after it."""
        if self._service is not None:
            self._service.deliver(run)

    def stop(self) -> None:
        """Commit what is applied, then end."""
        self._stop.set()
        if self._service is not None:
            self._service.stop()

    async def run(self) -> None:
        """Take over and serve, anew after every failure, until stopped or cancelled."""
        cause, failures = "assigned", 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                await self._own(cause)
            except TooLarge as error:
                cause = error.cause
                # Logged already. The next attempt differs, so it need not wait.
                failures = failures - 1 if error.mended else failures
            except Succeeded as error:
                # Nothing failed: there is no reason to wait.
                cause, self._succeeded, failures = error.cause, error, 0
                continue
            except Waiting as error:
                cause = error.cause
                await self._await_deployment(error)
                continue
            except Replaced as error:
                cause = error.cause
                await self._stand_still(error)
            except (CommitFailed, Again) as error:
                cause = error.cause
                log.warning("partition %d: %s; taking it over anew", self.number, error)
            except (KafkaError, TimeoutError, OSError) as error:
                cause = "broker"
                log.warning("partition %d: %s; taking it over anew", self.number, _words(error))
            except (SegmentsError, NotAllowed) as error:
                # Rules that do not fit the stored states, or a missing ACL: another attempt would fail in the same way.
                await self._app.crash(error)
                return
            except Exception:
                cause = "error"
                log.exception("partition %d: unexpected error; taking it over anew", self.number)
            failures = 0 if time.monotonic() - began > BACKOFF[-1] else failures + 1
            await self._wait_for_membership(BACKOFF[min(failures, len(BACKOFF) - 1)])

    async def _stand_still(self, error: Replaced) -> None:
        """Wait until a person acts: the topic may come back, or be adopted; a restart would not help."""
        if self.replaced != error.topics:
            log.error("partition %d: %s", self.number, error)
        self.replaced = error.topics
        await self._pause(LOOK_AGAIN)

    async def _await_deployment(self, error: Waiting) -> None:
        if self.waiting is None:
            log.warning("partition %d: %s", self.number, error)
        self.waiting = str(error)
        await self._pause(LOOK_FOR_DEPLOYMENT)

    async def _wait_for_membership(self, seconds: float) -> None:
        """Wait; a worker that the group has dropped must not fence the rightful owner with every attempt."""
        await self._pause(seconds)
        while not self._stop.is_set() and not await self._is_member():
            await self._pause(0.5)

    async def _is_member(self) -> bool:
        try:
            return await self._app.is_member()
        except KafkaError as error:
            log.warning("partition %d: asking the group: %s", self.number, _words(error))
            return False

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

    async def _own(self, cause: str) -> None:
        """Take over and serve; at each deployment go on with the same producer and states, for nothing was lost."""
        self._context.metrics.take_overs.labels(cause).inc()
        owned = await take_over(self._context, self.number, self._standing, self._succeeded)
        try:
            while True:
                try:
                    await self._serve(owned)
                except Succeeded as error:
                    if error.before is None:
                        raise
                    self._succeeded = error
                    self._context.metrics.take_overs.labels(error.cause).inc()
                    owned = await succeed(self._context, owned, error)
                else:
                    return
        finally:
            await owned.producer.abandon()

    async def _serve(self, owned: OwnedPartition) -> None:
        """Serve what was taken over until it ends."""
        self.replaced, self.waiting, self._succeeded = (), None, None
        self._context.metrics.follow(owned.partition)
        try:
            # Set before `place` resumes the inputs: `deliver` drops runs while there is no service.
            self._service = Service(
                self._app, self._context, owned, self._limits, self._standing, self._caution
            )
            if self._stop.is_set():
                # `stop` came during the take-over, when there was no service to tell.
                return
            await self._app.place(self.number, owned.positions)
            await self._service.serve()
        finally:
            if self._service is not None:
                self._service.monitor.leave()
            # First nobody takes runs, then none are fetched: what is under way is dropped here, and fetched again from
            # the positions of the next take-over.
            self._service = None
            for topic in (*self._context.topics, *sources_of(owned.partition)):
                self._app.hold(topic, self.number, True)

    def customers(self) -> Iterable[bytes]:
        """The keys of the states of customers, for a census; none while it is taken over."""
        return () if self._service is None else self._service.customers()

    @property
    def states(self) -> CommittedStates | None:
        """The committed states while they are served, for a count; None while they are taken over."""
        return None if self._service is None else self._service.states

    @property
    def machine(self) -> Partition | None:
        """The machine while it is served, None while it is taken over."""
        return None if self._service is None else self._service.machine

    def too_old(self, key: bytes) -> int:
        """How many events of a customer no rule looked back to, since the take-over."""
        return 0 if self._service is None else self._service.monitor.notices.too_old(key)

    def state(self) -> PartitionState:
        """Return the state of the partition for a scrape."""
        if self._service is not None:
            return self._service.monitor.state()
        standing = self._standing
        return PartitionState(
            self.number,
            remaining=standing.remaining,
            lag=standing.lag(),
            oldest=standing.oldest({}),
            committed_at=standing.committed_at,
            replaced=self.replaced,
            deployment_state="waiting" if self.waiting else None,
        )

    @property
    def moved_at(self) -> float:
        """When it last made progress, on the monotonic clock: restored, committed, or had nothing left to do."""
        if self.replaced or self.waiting:
            return time.monotonic()
        return self._standing.moved_at if self._service is None else self._service.monitor.moved_at


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
