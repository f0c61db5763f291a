"""The deliveries to one destination: what is due is decided, sent, and settled by its answer."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from streams.delivery.config import Destination
from streams.delivery.flip import Flip
from streams.delivery.lanes import Bucket, Lanes, Waiting
from streams.delivery.ledger import Ledger
from streams.delivery.messages import Writer, signed
from streams.delivery.policy import SEND, verdict
from streams.delivery.sending import Answer, Client, Outcome
from streams.delivery.timing import Clock
from streams.delivery.view import View
from streams.delivery.words import without_customers
from streams.telemetry.delivery import ChannelState, DeliveryMetrics

log = logging.getLogger(__name__)

AHEAD = 50
"""Flips looked at beyond those that may be sent now, while some of them turn out not to be sent at all."""
ENDING = 5.0
"""Seconds that requests under way have when the process is told to stop."""

GiveUp = Callable[[Waiting, bytes], Awaitable[None]]
"""Puts a flip, with the body that was sent, into the dead letters; returns when Kafka has it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a channel works with."""

    view: View
    ledger: Ledger
    client: Client
    writer: Writer
    give_up: GiveUp
    metrics: DeliveryMetrics
    clock: Clock


class Channel:
    """One destination. `settled` is told of each flip that is done with."""

    def __init__(self, to: Destination, parts: Parts, settled: Callable[[Flip], None]) -> None:
        self.to = to
        self.lanes = Lanes(to.window, held_until=parts.ledger.held_until)
        self.disabled = asyncio.Event()
        self.changed = asyncio.Event()
        """Set whenever a flip is settled: there is room, or nothing is left."""
        self._parts = parts
        self._bucket = Bucket(to.rate, to.burst)
        self._settled = settled
        self._wake = asyncio.Event()
        self._requests: set[asyncio.Task[None]] = set()
        self._ahead = 0
        self._failure: BaseException | None = None

    @property
    def state(self) -> ChannelState:
        """As it is now, for the metrics."""
        return ChannelState(
            self.to.name, self.lanes.held, self.lanes.oldest(), self._parts.ledger.disabled is not None
        )

    def add(self, flip: Flip) -> None:
        """Have a flip delivered, or not: what is to be done with it is decided when it is its turn."""
        waiting = self._parts.ledger.waiting(flip)
        waiting.due = waiting.due or self._parts.clock.now()
        self.lanes.add(waiting)
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled, or until the destination says that it wants nothing any more."""
        try:
            while not self.disabled.is_set():
                self._wake.clear()
                if not await self._round(self._parts.clock.now()):
                    await self._parts.clock.wait(self._wake, self._next_at())
                if self._failure is not None:
                    raise self._failure
        finally:
            await self._end()

    async def _end(self) -> None:
        """Let the requests under way come to an end: what they bring need not be sent again."""
        if self._requests:
            with suppress(asyncio.CancelledError):
                _, late = await asyncio.wait(self._requests, timeout=ENDING)
                for task in late:
                    task.cancel()

    def _next_at(self) -> int | None:
        """When there is something to do, unless an answer or a new flip comes before; None: not before that."""
        due = self.lanes.next_at()
        if due is None or len(self._requests) >= self.to.concurrency:
            return None
        return max(due, self._bucket.next_at(self._parts.clock.now()))

    async def _round(self, now: int) -> bool:
        """Decide on what is due, as far as requests may be made now; False if there was nothing."""
        free = self.to.concurrency - len(self._requests)
        tokens = sum(self._bucket.spend(now) for _ in range(free))
        room = tokens * self.to.batch
        taken = self.lanes.next_batch(now, room + self._ahead) if tokens else []
        send = await self._to_send(taken)
        self._ahead = AHEAD if len(send) < len(taken) else 0
        for each in send[room:]:
            self.lanes.put_back(each)
        batches = list(_batches(send[:room], self.to.batch))
        self._parts.ledger.trying(each.flip for batch in batches for each in batch)
        self._bucket.give_back(tokens - len(batches))
        for batch in batches:
            self._start(batch)
        return bool(taken)

    async def _to_send(self, taken: Sequence[Waiting]) -> list[Waiting]:
        """Those of these that are to be sent as things are now; with the others it is done."""
        if not taken:
            return []
        view = self._parts.view
        await view.fresh({each.flip.place.partition for each in taken})
        send: list[Waiting] = []
        for each in taken:
            if view.is_erased(each.flip):
                each.flip = each.flip.of_erased()
            said = self._verdict(each.flip)
            if said == SEND:
                send.append(each)
            else:
                self._drop(each, said)
        return send

    def _verdict(self, flip: Flip) -> str:
        parts = self._parts
        return verdict(
            flip,
            self.to,
            parts.ledger.sent(flip.key),
            parts.view.membership(flip.key) if flip.enters else None,
            parts.view.consents(flip.customer) if flip.enters and self.to.consents else (),
        )

    def _drop(self, waiting: Waiting, why: str) -> None:
        if waiting.attempts:
            self._parts.ledger.dropped(waiting.flip)
        self._done(waiting, why)

    def _done(self, waiting: Waiting, outcome: str) -> None:
        self.lanes.settled(waiting)
        self._parts.metrics.flips.labels(self.to.name, outcome).inc()
        self._settled(waiting.flip)
        self.changed.set()
        self._wake.set()

    def _start(self, batch: list[Waiting]) -> None:
        task = asyncio.create_task(self._request(batch), name=f"delivery-{self.to.name}")
        self._requests.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()
        self._wake.set()

    async def _request(self, batch: list[Waiting]) -> None:
        """Send, and settle or schedule by the answer; a batch that is refused is halved until the bad one is alone."""
        parts, began = self._parts, asyncio.get_running_loop().time()
        message = parts.writer.message([each.flip for each in batch])
        for each in batch:
            each.attempts += 1
        now = parts.clock.now()
        answer = await parts.client.post(message.body, signed(message, self.to, now), now)
        parts.metrics.requests.labels(self.to.name, answer.outcome.name.lower()).inc()
        parts.metrics.request_seconds.labels(self.to.name).observe(asyncio.get_running_loop().time() - began)
        if answer.outcome is Outcome.REFUSED and len(batch) > 1:
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                await self._token()
                await self._again(half)
        else:
            await self._act(batch, message.body, answer)

    async def _again(self, half: list[Waiting]) -> None:
        """Send half of a batch that was refused, unless the destination wants nothing now: then it waits."""
        if self.disabled.is_set() or self._parts.clock.now() < self.lanes.held_until:
            for each in half:
                self.lanes.put_back(each)
        elif send := await self._to_send(half):
            await self._request(send)

    async def _act(self, batch: list[Waiting], body: bytes, answer: Answer) -> None:
        now = self._parts.clock.now()
        for each in batch:
            each.failure = answer.status, answer.error
        if answer.outcome is not Outcome.TAKEN:
            self._log(logging.INFO, batch, answer.status, answer.error)
        match answer.outcome:
            case Outcome.TAKEN:
                self._taken(batch, now)
            case Outcome.DISABLED:
                self._disable(answer, batch)
            case Outcome.REFUSED:
                await self._give_up(batch, body)
            case Outcome.THROTTLED:
                wait = answer.wait or 0
                await self._later(batch, lambda each: self.lanes.throttled(each, now, wait))
                self._parts.ledger.note("held_until", str(self.lanes.held_until))
            case Outcome.FAILED:
                await self._later(batch, lambda each: self.lanes.failed(each, now, answer.wait))

    async def _later(self, batch: Sequence[Waiting], schedule: Callable[[Waiting], bool]) -> None:
        """Schedule another attempt of each; those that have none left are given up."""
        given_up = [each for each in batch if not schedule(each)]
        self._parts.ledger.failed(each for each in batch if each not in given_up)
        for each in given_up:
            await self._give_up([each], self._parts.writer.message([each.flip]).body)

    def _log(self, level: int, batch: Sequence[Waiting], status: int, error: str) -> None:
        """Tell what the destination said, without anything of the customers."""
        words = without_customers(error, (each.flip for each in batch))
        log.log(level, "%s: %s %s", self.to.name, status or "no answer", words)

    def _taken(self, batch: Sequence[Waiting], now: int) -> None:
        self._parts.ledger.settled(
            (each.flip for each in batch), delivered=True, known=self._parts.view.knows
        )
        self.lanes.succeeded(now)
        for each in batch:
            delay = max(0, now - each.flip.timestamp) / 1000
            self._parts.metrics.delay_seconds.labels(self.to.name).observe(delay)
            self._done(each, "delivered")

    async def _give_up(self, batch: Sequence[Waiting], body: bytes) -> None:
        for each in batch:
            log.warning("%s: given up after %d attempts", self.to.name, each.attempts)
            await self._parts.give_up(each, body)
            self._parts.ledger.settled([each.flip], delivered=False, known=self._parts.view.knows)
            self._done(each, "dead_letter")

    def _disable(self, answer: Answer, batch: Sequence[Waiting]) -> None:
        words = without_customers(answer.error, (each.flip for each in batch))
        self._parts.ledger.note("disabled", f"410 {words}".strip())
        for each in batch:
            self.lanes.put_back(each)
        if not self.disabled.is_set():
            log.error(
                "%s: answered 410 Gone: disabled; nothing is sent there until `segments deliver … --enable %s`",
                self.to.name,
                self.to.name,
            )
        self.disabled.set()
        self._wake.set()

    async def _token(self) -> None:
        """Wait for the right to make one more request."""
        never = asyncio.Event()
        while not self._bucket.spend(self._parts.clock.now()):
            await self._parts.clock.wait(never, self._bucket.next_at(self._parts.clock.now()))


def _batches(waiting: Sequence[Waiting], most: int) -> Iterator[list[Waiting]]:
    for start in range(0, len(waiting), most):
        yield list(waiting[start : start + most])
