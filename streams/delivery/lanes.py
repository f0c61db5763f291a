"""Who is next: the flips that wait, a lane for each customer, without a clock and without a network.

The flips of a customer are in one lane, in their order; the first of them alone is sent, and the others wait until it
is settled. So one request at a time is under way for a customer, and what one customer waits for holds up nobody else.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from streams.delivery.config import SCHEDULE
from streams.delivery.flip import Flip, Place

JITTER = 0.1
"""The share of a pause by which it is made longer at most, so that those who failed together do not return together."""
OUTAGE = 3
"""Customers whose attempts failed, with none succeeding for AWAY: then it is the destination that was away."""
AWAY = 60_000
"""Milliseconds."""
SOON = 100
"""Milliseconds to wait at least, where a destination that takes nothing asks to be tried again at once."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A flip that waits, and its attempts so far."""

    flip: Flip
    attempts: int = 0
    """Requests made."""
    step: int = 0
    """Its place in the schedule: attempts that count."""
    due: int = 0
    """The next attempt, in milliseconds since 1970."""
    busy: bool = False
    """Whether it is under way."""
    failed_at: int = 0
    """The latest attempt that failed, in milliseconds since 1970; 0: there was none."""
    failing_since: int = 0
    """The first attempt that was not taken, in milliseconds since 1970."""
    failure: tuple[int, str] = (0, "")
    """The status of the latest answer, 0 if there was none, and what was wrong."""


@dataclass(slots=True)
class Lanes:
    """The flips that one destination has yet to settle."""

    window: int
    chance: random.Random = field(default_factory=random.Random)
    held_until: int = 0
    """Before this nothing is sent: the destination said so."""
    _lanes: dict[str, deque[Waiting]] = field(default_factory=dict)
    _due: list[tuple[int, int, str]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=count)
    _held: int = 0
    _failing: set[str] = field(default_factory=set)
    _failing_since: int = 0

    @property
    def room(self) -> int:
        """How many more flips may be added."""
        return max(0, self.window - self._held)

    @property
    def held(self) -> int:
        """How many flips wait."""
        return self._held

    def add(self, waiting: Waiting) -> None:
        """Put a flip behind those of its customer.

        An exit wakes the enter that it overtakes, if that one waits for another attempt: it need not be made.
        """
        customer = waiting.flip.customer
        lane = self._lanes.setdefault(customer, deque())
        lane.append(waiting)
        self._held += 1
        if waiting.failed_at:
            self._is_failing(customer, waiting.failed_at)
        if len(lane) == 1:
            self._schedule(waiting)
        elif (
            not waiting.flip.enters
            and lane[0].flip.enters
            and lane[0].flip.key == waiting.flip.key
            and not lane[0].busy
        ):
            lane[0].due = 0
            self._schedule(lane[0])

    def next_batch(self, now: int, most: int) -> list[Waiting]:
        """The heads of at most `most` lanes that are due; each is under way until it is settled or failed."""
        taken: list[Waiting] = []
        while self._due and len(taken) < most and self._due[0][0] <= now >= self.held_until:
            due, _, customer = heapq.heappop(self._due)
            lane = self._lanes.get(customer)
            if lane and lane[0].due == due and not lane[0].busy:
                lane[0].busy = True
                taken.append(lane[0])
        return taken

    def put_back(self, waiting: Waiting) -> None:
        """What was taken is not tried now after all."""
        self._schedule(waiting)

    def _is_failing(self, customer: str, at: int) -> None:
        self._failing_since = min(self._failing_since, at) if self._failing else at
        self._failing.add(customer)

    def next_at(self) -> int | None:
        """The instant at which something is due; None while nothing waits."""
        while self._due:
            due, _, customer = self._due[0]
            lane = self._lanes.get(customer)
            if lane and lane[0].due == due and not lane[0].busy:
                return max(due, self.held_until)
            heapq.heappop(self._due)
        return None

    def settled(self, waiting: Waiting) -> None:
        """A flip is done with: the next one of its customer is due at once."""
        customer = waiting.flip.customer
        lane = self._lanes[customer]
        lane.popleft()
        self._held -= 1
        if lane:
            self._schedule(lane[0])
        else:
            del self._lanes[customer]

    def succeeded(self, now: int) -> None:
        """The destination took something: if it was away before, those who failed meanwhile are due at once."""
        if len(self._failing) >= OUTAGE and now - self._failing_since >= AWAY:
            for lane in self._lanes.values():
                if not lane[0].busy and lane[0].failed_at >= self._failing_since:
                    lane[0].due = 0
                    self._schedule(lane[0])
        self._failing.clear()

    def failed(self, waiting: Waiting, now: int, wait: int | None = None) -> bool:
        """Schedule another attempt; False if that was the last one, and it is given up.

        `wait`: how long the destination asks to wait (milliseconds), in place of the schedule's pause. Where that is
        shorter, the schedule goes on by its own time, so that nothing is given up before its three days.
        """
        self._is_failing(waiting.flip.customer, now)
        waiting.failed_at = now
        waiting.failing_since = waiting.failing_since or now
        if wait is None or wait >= SCHEDULE[min(waiting.step + 1, len(SCHEDULE) - 1)]:
            waiting.step += 1
        else:
            passed = now - waiting.failing_since
            waiting.step += sum(
                passed >= sum(SCHEDULE[: step + 2]) for step in range(waiting.step, len(SCHEDULE))
            )
        if waiting.step >= len(SCHEDULE):
            return False
        pause = SCHEDULE[waiting.step] if wait is None else max(SOON, wait)
        waiting.due = now + round(pause * (1 + JITTER * self.chance.random()))
        self._schedule(waiting)
        return True

    def throttled(self, waiting: Waiting, now: int, wait: int) -> bool:
        """The destination refuses more requests: send nothing for this many milliseconds.

        The attempt does not count in the schedule. False if the first one that was not taken is three days ago, the
        length of the schedule: then it is given up.
        """
        until = now + max(SOON, wait)
        self.held_until = max(self.held_until, until)
        waiting.failing_since = waiting.failing_since or now
        if now - waiting.failing_since >= sum(SCHEDULE):
            return False
        waiting.due = until
        self._schedule(waiting)
        return True

    def oldest(self) -> int | None:
        """Since when Kafka has the oldest flip that waits, in milliseconds."""
        return min((lane[0].flip.timestamp for lane in self._lanes.values()), default=None)

    def _schedule(self, waiting: Waiting) -> None:
        waiting.busy = False
        heapq.heappush(self._due, (waiting.due, next(self._number), waiting.flip.customer))


@dataclass(slots=True)
class Bucket:
    """Tokens that come at a rate, up to a maximum: one for each request."""

    rate: float
    """A second."""
    burst: int
    _tokens: float = field(init=False)
    _at: int = 0

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)

    def spend(self, now: int) -> bool:
        """Take a token, if there is one."""
        self._fill(now)
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def give_back(self, tokens: int) -> None:
        """Tokens that were taken and not needed."""
        self._tokens = min(self.burst, self._tokens + tokens)

    def next_at(self, now: int) -> int:
        """When the next token is there, in milliseconds."""
        self._fill(now)
        return now + max(0, round((1 - self._tokens) / self.rate * 1000 + 0.5))

    def _fill(self, now: int) -> None:
        self._tokens = min(self.burst, self._tokens + max(0, now - self._at) / 1000 * self.rate)
        self._at = max(self._at, now)


@dataclass(slots=True)
class Positions:
    """Up to where each partition is settled, though its records are settled in any order."""

    _open: dict[tuple[str, int], dict[int, None]] = field(default_factory=dict)
    _next: dict[tuple[str, int], int] = field(default_factory=dict)

    def came(self, place: Place) -> None:
        """A record has been read, and is yet to be settled."""
        self._open.setdefault(place[:2], {})[place.offset] = None
        self.passed(place)

    def passed(self, place: Place) -> None:
        """All up to this record has been read."""
        self._next[place[:2]] = place.offset + 1

    def settled(self, place: Place) -> None:
        """A record is done with."""
        self._open.get(place[:2], {}).pop(place.offset, None)

    def all(self) -> dict[tuple[str, int], int]:
        """For each partition the offset before which everything is settled."""
        return {place: next(iter(self._open.get(place, ())), end) for place, end in self._next.items()}
