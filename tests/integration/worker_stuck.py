"""A worker whose partition 0 stops committing, for ever, as soon as a file exists; health is impatient."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import streams.http.health
from streams.cli.worker import command
from streams.worker.service import Service

FILE = Path(sys.argv[1])
streams.http.health.STUCK_AFTER = 2.0
commit = Service._commit


async def stuck(self: Any) -> None:
    """Wait for what never comes."""
    if self.machine.number == 0 and FILE.exists():  # noqa: ASYNC240 - it is to be stuck anyway
        await asyncio.Event().wait()
    await commit(self)


Service._commit = stuck  # type: ignore[method-assign]
command([])
