"""The demo's console: a process of `segments console`, which goes on for as long as somebody looks at it."""

import asyncio
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Self

from deploy.demo.cluster import ROOT, SEGMENTS, Cluster
from deploy.demo.errors import ClusterError
from deploy.demo.screen import Screen

STARTS_WITHIN = 30.0
STOPS_WITHIN = 10.0
LOOKED_AT = re.compile(r"^segments_console_streams (\S+)$", re.MULTILINE)
ADDRESS = re.compile(r"the console: (http://\S+)/segments")


class Console:
    """A console; `async with` ends it whatever happens."""

    def __init__(self, where: Cluster) -> None:
        self._log = where.folder / "console.log"
        environment = where.environment(SEGMENTS_DATA_DIR=str(where.folder / "console"))
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                [*SEGMENTS, "console"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.address = ""

    async def __aenter__(self) -> Self:
        """Wait until it listens."""
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                while not (found := ADDRESS.search(_read(self._log))):
                    if self._process.poll() is not None:
                        raise ClusterError(f"the console ended; it said last:\n{_read(self._log)[-1_000:]}")
                    await asyncio.sleep(0.05)
        except BaseException:
            self._end()
            raise
        self.address = found[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop it."""
        await asyncio.to_thread(self._end)

    async def while_looked_at(self, screen: Screen) -> None:
        """Return once no page is open; say that the demo waits for that."""
        said = False
        while await asyncio.to_thread(self._pages):
            if not said:
                screen.say("A page of the console is open: all goes on until it is closed. Ctrl-C ends it.")
                said = True
            await asyncio.sleep(1)

    def _pages(self) -> bool:
        """Whether any page is open."""
        try:
            with urllib.request.urlopen(f"{self.address}/metrics", timeout=5) as answer:  # noqa: S310 - our own
                found = LOOKED_AT.search(answer.read().decode())
        except OSError:
            return False
        return found is not None and float(found[1]) > 0

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _read(log: Path) -> str:
    return log.read_text(errors="replace")
