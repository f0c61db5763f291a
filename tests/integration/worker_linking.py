"""A worker that is killed at its first transaction with a transfer: `before` it commits it, or right `after`."""

import os
import signal
import sys
from typing import Any

from streams.cli.worker import command
from streams.transport.producer import TransactionalProducer

MOMENT = sys.argv[1]
commit = TransactionalProducer._commit


async def killed(self: Any, batches: Any, offsets: Any) -> Any:
    """Die amid the transaction or behind it, if it sends something to another partition."""
    sends = any(isinstance(where, tuple) and where[0].endswith("-transfers") for where in batches)
    if sends and MOMENT == "before":
        self._kafka.end = _die
    ends = await commit(self, batches, offsets)
    if sends:
        await _die()
    return ends


async def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


TransactionalProducer._commit = killed  # type: ignore[method-assign]
command([])
