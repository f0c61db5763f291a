"""The demo's workers: processes of `segments worker`, as one would run them."""

import asyncio
import signal
from pathlib import Path
from typing import Self

from deploy.demo.cluster import ROOT, SEGMENTS, Cluster
from deploy.demo.errors import ClusterError

STOPS_WITHIN = 30.0


class Workers:
    """Some workers of one group; `async with` ends them whatever happens."""

    def __init__(self, where: Cluster, count: int, clock: str) -> None:
        """`clock` is what SEGMENTS_CLOCK says: `event` while history is caught up with, `wall` live."""
        self.where = where
        self.count = count
        self.clock = clock
        self._running: list[tuple[asyncio.subprocess.Process, Path]] = []

    async def __aenter__(self) -> Self:
        """Start them."""
        for number in range(1, self.count + 1):
            self._running.append(await self._start(number))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop them, gently if they will."""
        stopping = asyncio.gather(*(_stop(process) for process, _ in self._running))
        # A second Ctrl-C must not leave processes behind.
        await asyncio.shield(stopping)

    def check(self) -> None:
        """ClusterError if one of them ended by itself, with the last that it said."""
        for process, log in self._running:
            if process.returncode is not None:
                said = log.read_text(errors="replace").strip().splitlines()[-8:]
                raise ClusterError(
                    f"a worker ended with {process.returncode}; it said last:\n" + "\n".join(said)
                )

    async def _start(self, number: int) -> tuple[asyncio.subprocess.Process, Path]:
        log = self.where.folder / f"worker-{number}-{self.clock}.log"
        environment = self.where.environment(
            SEGMENTS_CLOCK=self.clock,
            SEGMENTS_DATA_DIR=str(self.where.folder / f"worker-{number}"),
        )
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *SEGMENTS,
                "worker",
                cwd=ROOT,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C on the terminal is for the demo, which then ends the workers itself.
                start_new_session=True,
            )
        return process, log


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOPS_WITHIN)
    except TimeoutError:
        process.kill()
        await process.wait()
