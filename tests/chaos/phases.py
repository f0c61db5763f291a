"""What a worker is doing at an instant, as far as its conversation with the broker tells.

- *rebalancing*: it has asked to join the group, and has not been told its partitions.
- *restoring*: it has initialised the transactional id of a partition, and has not come to ask what the group committed,
  which is the last thing it does before it serves the partition.
- *transaction*: it has written something in a transaction and was not told that the transaction ended.
- *firing*: flips by time were due, and not published yet (told afterwards, from what was published when; live only).
- *idle*: none of these.
"""

import threading
import time
from collections import defaultdict

REBALANCING, RESTORING, TRANSACTION, FIRING, IDLE = (
    "rebalancing",
    "restoring",
    "transaction",
    "firing",
    "idle",
)
PHASES = (IDLE, TRANSACTION, RESTORING, REBALANCING, FIRING)

JOIN, SYNC, OFFSETS, INIT, ADD, END = 11, 14, 9, 22, 24, 26
PRODUCE, ADD_OFFSETS, COMMIT_OFFSETS = 0, 25, 28
BEGIN = (PRODUCE, ADD, COMMIT_OFFSETS)
"""By whichever of them comes first a transaction begins."""
READ_TOPICS = 5
"""Topics of whose positions a take-over asks: the inputs, links and transfers, each by a request of its own."""
ROUNDS = 2
"""How often it asks: once to tell the lag while it restores, once for the positions, last of all."""


class Journal:
    """Follows the conversations of all workers; each is known by its client id, which ends in its HTTP address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._joining: set[str] = set()
        self._open: dict[str, set[str]] = defaultdict(set)
        self._restoring: dict[str, list[str]] = defaultdict(list)
        self._offsets: dict[str, int] = defaultdict(int)
        self.transactions = 0
        self.reads = 0
        """How often somebody who takes over has asked what the group committed."""

    @staticmethod
    def now() -> float:
        """The wall clock in seconds, as that of the records."""
        return time.time()

    def asked(self, client: str, api: int, transactional_id: str) -> None:
        """Note a request on its way to the broker."""
        if api not in (JOIN, INIT) and not (api in BEGIN and transactional_id):
            return
        with self._changed:
            if api == JOIN:
                self._joining.add(client)
            elif api == INIT:
                self._begin_restoring(client, transactional_id)
            else:
                self._open[client].add(transactional_id)
            self._changed.notify_all()

    def _begin_restoring(self, client: str, transactional_id: str) -> None:
        for each in self._open.values():
            each.discard(transactional_id)
        for each in self._restoring.values():
            if transactional_id in each:
                each.remove(transactional_id)
        self._restoring[client].append(transactional_id)
        self._offsets[client] = 0 if len(self._restoring[client]) == 1 else self._offsets[client]

    def answered(self, client: str, api: int, transactional_id: str, member: bool) -> None:
        """Note an answer on its way back."""
        if api not in (SYNC, END, OFFSETS) or (api == OFFSETS and member):
            return
        with self._changed:
            if api == SYNC:
                self._joining.discard(client)
            elif api == END:
                self._open[client].discard(transactional_id)
                self.transactions += 1
            else:
                self._offsets[client] += 1
                self.reads += 1
                if self._offsets[client] % (ROUNDS * READ_TOPICS) == 0 and self._restoring[client]:
                    self._restoring[client].pop(0)
            self._changed.notify_all()

    def forget(self, address: str) -> None:
        """A worker has ended."""
        with self._lock:
            self._joining = {client for client in self._joining if not client.endswith(address)}
            for known in (self._open, self._restoring):
                for client in [client for client in known if client.endswith(address)]:
                    del known[client]  # type: ignore[attr-defined]

    def phase(self, address: str) -> str:
        """What the worker with this HTTP address is doing."""
        with self._lock:
            return self._phase(address)

    def _phase(self, address: str) -> str:
        if any(client.endswith(address) for client in self._joining):
            return REBALANCING
        if any(names and client.endswith(address) for client, names in self._restoring.items()):
            return RESTORING
        if any(names and client.endswith(address) for client, names in self._open.items()):
            return TRANSACTION
        return IDLE

    def wait_for_reads(self, count: int, seconds: float) -> bool:
        """Wait until those who take over have asked so often."""
        with self._changed:
            return self._changed.wait_for(lambda: self.reads >= count, seconds)

    def wait_for(self, address: str, phase: str, seconds: float) -> bool:
        """Wait until the worker is in a phase; False if it wasn't in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._phase(address) == phase, seconds)
