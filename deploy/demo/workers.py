"""The demo's workers: processes of `segments worker`, as one would run them."""

import asyncio
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

from deploy.demo.cluster import ROOT, SEGMENTS, Cluster
from deploy.demo.errors import ClusterError

STOPS_WITHIN = 30.0
LAST_LINES = 10


class Workers:
    """Some workers of one group; `async with` ends them whatever happens."""

    def __init__(self, where: Cluster, count: int, clock: str) -> None:
        """`clock` is what SEGMENTS_CLOCK says: `event` while history is caught up with, `wall` live."""
        self.where = where
        self.count = count
        self.clock = clock
        self._running: list[tuple[subprocess.Popen[bytes], Path]] = []

    async def __aenter__(self) -> Self:
        """Start them; nothing is awaited, so no interruption leaves one behind that nobody knows."""
        for number in range(1, self.count + 1):
            self._start(number)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop them, gently if they will."""
        processes = [process for process, _log in self._running]
        for process in processes:
            process.terminate()
        await asyncio.gather(*map(_ended, processes))

    def check(self) -> None:
        """ClusterError if one of them ended by itself, with the last that it said."""
        for process, log in self._running:
            if process.poll() is not None:
                raise ClusterError(f"a worker ended with {process.returncode}; it said last:\n{_tail(log)}")

    def last_words(self) -> str:
        """The last lines that each of them said."""
        return "\n".join(f"{log.name}:\n{_tail(log)}" for _, log in self._running)

    def _start(self, number: int) -> None:
        log = self.where.folder / f"worker-{number}-{self.clock}.log"
        environment = self.where.environment(
            SEGMENTS_CLOCK=self.clock,
            SEGMENTS_DATA_DIR=str(self.where.folder / f"worker-{number}"),
        )
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - ours
                [*SEGMENTS, "worker"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # A Ctrl-C on the terminal is for the demo, which then ends the workers itself.
                start_new_session=True,
            )
        self._running.append((process, log))


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:])


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has ended, and make it if it takes too long."""
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOPS_WITHIN):
                while process.poll() is None:  # noqa: ASYNC110 - nothing tells of a process's end
                    await asyncio.sleep(0.05)
    finally:
        process.kill()
        process.wait()
