"""Lets the partitions of a worker commit one after the other, as long as that is quick.

A transaction takes CPU of the broker, whichever partition it is of. Transactions at the same time share it, so all of
them take as long as all together; one after the other, each takes its own time only, and what the later ones wait they
gather. So there are fewer transactions, and each record waits for less. Where transactions wait for a network
instead, they gain from going at the same time: so nobody waits for longer than `PATIENCE`.
"""

import asyncio

PATIENCE = 0.02
"""Seconds for which a partition waits for others: about four transactions of a broker on the same machine. It bounds
what a commit that hangs, or a transaction of many records, costs the other partitions."""


class Turns:
    """Whose turn it is, of the partitions of a worker; in the order in which they asked."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """Let each partition wait for so many seconds at most."""
        self._patience = patience
        self._lock = asyncio.Lock()

    async def take(self) -> bool:
        """Wait for a turn. Returns whether it must be given back: False if the partition goes without one."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._lock.acquire()
        except TimeoutError:
            return False

    @property
    def taken(self) -> bool:
        """Whether it is anybody's turn."""
        return self._lock.locked()

    def give(self) -> None:
        """Let the next partition go."""
        self._lock.release()
