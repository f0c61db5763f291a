"""How long each flip waited, and for what: the answer to "why was it late"."""

from bisect import bisect_right
from typing import NamedTuple

from segments.engine import Transaction
from streams.clock import wall_clock
from streams.telemetry.metrics import WAITS, Metrics
from streams.worker.ledger import Ledger


class Turn(NamedTuple):
    """An advance of the machine: when it ended, and what the transaction held by then."""

    flips: int
    timers: int
    at: int
    """Milliseconds since 1970."""


class Waits:
    """The turns of the transaction that is gathered now.

    The waits follow each other:

    - `inputs`, of a flip by a record: from the record's Kafka timestamp until the machine applied it. It waited to be
      fetched, for the records before it, and for the other inputs.
    - `grace`, of a timer: from its instant to the turn in which it fired.
    - `gathering`: from there until the transaction began.
    - `transaction`: until it was committed.
    """

    def __init__(self, metrics: Metrics, *, event_clock: bool) -> None:
        """Start empty. `event_clock`: timers follow the events, so the wall clock does not tell their lateness."""
        self._observe = {wait: metrics.flip_waits.labels(wait).observe for wait in WAITS}
        self._event_to_flip = metrics.event_to_flip.observe
        self._event_clock = event_clock
        self._turns: list[Turn] = []
        self._began = 0

    def advanced(self, gathered: tuple[int, int]) -> None:
        """Note how many flips, and how many customers whose timers fired, the transaction holds now."""
        last = self._turns[-1][:2] if self._turns else (0, 0)
        if gathered != last:
            self._turns.append(Turn(*gathered, wall_clock()))

    def began(self) -> None:
        """Note that the transaction begins now."""
        self._began = wall_clock()

    def committed(self, transaction: Transaction, ledger: Ledger, grace: int) -> None:
        """Tell of a transaction that was just committed; `grace` in milliseconds."""
        turns, self._turns = self._turns, []
        now, flips = wall_clock(), [turn.flips for turn in turns]
        for place, topic, offset in transaction.causes:
            accepted_at = ledger.accepted_at(topic, offset)
            if accepted_at is not None:
                self._event_to_flip(max(0, now - accepted_at) / 1000)
                self._tell("inputs", accepted_at, turns[bisect_right(flips, place)].at, now)
        timers = [] if self._event_clock else transaction.lateness
        fired = [turn.timers for turn in turns]
        for place, late in enumerate(timers):
            applied = turns[bisect_right(fired, place)].at
            self._tell("grace", applied - late - grace, applied, now)

    def _tell(self, wait: str, since: int, applied: int, now: int) -> None:
        self._observe[wait](max(0, applied - since) / 1000)
        self._observe["gathering"](max(0, self._began - applied) / 1000)
        self._observe["transaction"](max(0, now - self._began) / 1000)
