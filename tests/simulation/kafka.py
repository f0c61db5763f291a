"""An in-memory Kafka: logs with offsets, transactions, fencing, the last stable offset, and what a group committed."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from aiokafka.errors import InvalidTxnState, MessageSizeTooLargeError, ProducerFenced

Where = tuple[str, int]
"""Topic and partition."""

OPEN, COMMITTED, ABORTED, MARKER = "open", "committed", "aborted", "marker"

TIMEOUT = 60.0
"""Seconds after which the coordinator aborts a transaction that nobody ends, as the worker's producers ask for."""


class Entry:
    """One offset of a log: a record, or the marker that ends a transaction. It is what a consumer gets, too."""

    __slots__ = ("headers", "key", "offset", "state", "timestamp", "topic", "value")

    def __init__(
        self,
        topic: str,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: tuple[tuple[str, bytes], ...],
        state: str,
    ) -> None:
        self.topic, self.offset, self.timestamp, self.key, self.value = topic, offset, timestamp, key, value
        self.headers, self.state = headers, state


Row = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""Key, value, headers."""


@dataclass(slots=True)
class Transaction:
    """What the coordinator knows of a transactional id."""

    epoch: int = -1
    ongoing: bool = False
    count: int = 0
    written: dict[Where, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    offsets: dict[Where, int] = field(default_factory=dict)


class Kafka:
    """One broker that never fails by itself; everything here happens at once."""

    def __init__(self) -> None:
        self.logs: dict[Where, list[Entry]] = defaultdict(list)
        self.transactions: dict[str, Transaction] = defaultdict(Transaction)
        self.committed: dict[Where, int] = {}
        self.watchers: list[Callable[[], None]] = []
        """Told when there may be more to read."""
        self.later: Callable[[float, Callable[[], None]], object] = lambda _seconds, _action: None
        """Has something done so many seconds later; the loop of a schedule brings it."""
        self.too_large: Callable[[Where, Row], bool] = lambda _where, _row: False
        """Whether a record is larger than its topic takes."""
        self._open: dict[Where, set[int]] = defaultdict(set)

    def append(self, where: Where, rows: list[Row], timestamp: int, state: str = COMMITTED) -> list[Entry]:
        """Write records at the end of a log."""
        log = self.logs[where]
        made = [Entry(where[0], len(log) + number, timestamp, *row, state) for number, row in enumerate(rows)]
        log.extend(made)
        for watcher in self.watchers:
            watcher()
        return made

    def init(self, name: str) -> int:
        """Begin anew with a transactional id: whoever had it before is fenced, and its transaction aborted."""
        transaction = self.transactions[name]
        if transaction.ongoing:
            self._finish(transaction, ABORTED)
        transaction.epoch += 1
        return transaction.epoch

    def _checked(self, name: str, epoch: int) -> Transaction:
        transaction = self.transactions[name]
        if transaction.epoch != epoch:
            raise ProducerFenced
        return transaction

    def _begun(self, name: str, epoch: int) -> Transaction:
        transaction = self._checked(name, epoch)
        if not transaction.ongoing:
            transaction.ongoing, transaction.count = True, transaction.count + 1
            count = transaction.count
            self.later(TIMEOUT, lambda: self._time_out(transaction, count))
        return transaction

    def _time_out(self, transaction: Transaction, count: int) -> None:
        """Abort what has been open for too long, and fence whoever left it."""
        if transaction.ongoing and transaction.count == count:
            self._finish(transaction, ABORTED)
            transaction.epoch += 1

    def produce(self, name: str, epoch: int, where: Where, rows: list[Row], timestamp: int) -> int:
        """Write records of a transaction; returns the first offset."""
        transaction = self._begun(name, epoch)
        if any(self.too_large(where, row) for row in rows):
            raise MessageSizeTooLargeError
        made = self.append(where, rows, timestamp, OPEN)
        transaction.written[where] += made
        self._open[where].add(transaction.written[where][0].offset)
        return made[0].offset

    def add_offsets(self, name: str, epoch: int, offsets: dict[Where, int]) -> None:
        """Have a group's offsets committed with the transaction."""
        transaction = self._begun(name, epoch)
        transaction.offsets |= offsets

    def end(self, name: str, epoch: int, commit: bool) -> None:
        """End a transaction; one that has ended before may be ended again, as Kafka allows."""
        transaction = self._checked(name, epoch)
        if transaction.ongoing:
            self._finish(transaction, COMMITTED if commit else ABORTED)
        elif not commit:
            raise InvalidTxnState

    def _finish(self, transaction: Transaction, state: str) -> None:
        for where, entries in transaction.written.items():
            for entry in entries:
                entry.state = state
            self._open[where].discard(entries[0].offset)
            self.append(where, [(None, None, ())], 0, MARKER)
        if state == COMMITTED:
            self.committed |= transaction.offsets
        transaction.ongoing = False
        transaction.written.clear()
        transaction.offsets = {}

    def stable(self, where: Where) -> int:
        """The last stable offset."""
        return min(self._open[where], default=len(self.logs[where]))

    def read(
        self, where: Where, start: int, most: int, *, uncommitted: bool = False
    ) -> tuple[list[Entry], int]:
        """Records from an offset on, only the committed ones unless told otherwise, and the offset after what was looked at."""
        end = min(len(self.logs[where]) if uncommitted else self.stable(where), start + most)
        states = (COMMITTED, OPEN, ABORTED) if uncommitted else (COMMITTED,)
        return [entry for entry in self.logs[where][start:end] if entry.state in states], max(start, end)

    def digest(self) -> str:
        """What tells one history of all logs from another."""
        made = hashlib.sha256()
        for where in sorted(self.logs):
            for each in self.logs[where]:
                made.update(repr((where, each.key, each.value, each.state, each.timestamp)).encode())
        return made.hexdigest()[:16]
