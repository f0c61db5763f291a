"""What is due when, without scanning customers: one live entry for each customer who has anything due.

Lazy: an entry may be early, never late. When it comes up too early it is put back at the instant that the customer's
state tells; when something becomes due sooner, a new entry replaces it, and the old one is dropped as it comes up.
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from segments.engine.records import NEVER


class Agenda:
    """Customers by the instant at which time alone does something to them."""

    def __init__(self, dues: Iterable[tuple[int, bytes]] = ()) -> None:
        self._heap = [entry for entry in dues if entry[0] < NEVER]
        heapify(self._heap)
        self._armed = {key: due for due, key in self._heap}

    def __len__(self) -> int:
        return len(self._armed)

    def put(self, key: bytes, due: int) -> None:
        """Make sure that the customer comes up no later than that."""
        if due < self._armed.get(key, NEVER):
            self._armed[key] = due
            heappush(self._heap, (due, key))

    def next(self) -> int | None:
        """The earliest entry, which may be early."""
        while self._heap and self._armed.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop(self, before: int) -> bytes | None:
        """The customer of the earliest entry before an instant; the entry is gone."""
        due = self.next()
        if due is None or due >= before:
            return None
        _, key = heappop(self._heap)
        del self._armed[key]
        return key
