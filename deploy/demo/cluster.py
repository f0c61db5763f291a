"""Where the demo runs: a broker of its own or the one of `SEGMENTS_BROKERS`, and our commands on it."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.demo.errors import ClusterError
from streams.kafka.connection import connection
from streams.local.broker import Broker
from streams.settings.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "segments", ROOT / "segments" / "learned", ROOT / "deploy" / "demo" / "rules")
"""The rules that are shipped, those by numbers that are learned, and those of the demo."""
# The console script by another road: this one is there even where nothing was installed.
SEGMENTS = (sys.executable, "-c", "from streams.cli import main; main(prog_name='segments')")
# Settings of the caller's that say how to reach a cluster; all others would change what is compared.
KEPT = ("SEGMENTS_SASL", "SEGMENTS_TLS", "SEGMENTS_SECURITY", "SEGMENTS_STORE")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A broker, a scratch folder, and the group of workers of this run."""

    brokers: str
    folder: Path
    partitions: int
    group: str

    def connection(self) -> dict[str, Any]:
        """How a Kafka client of our own connects."""
        return connection(read_settings().model_copy(update={"brokers": self.brokers}))

    def environment(self, **more: str) -> dict[str, str]:
        """What our commands find in their environment: these rules, this broker, this group."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("SEGMENTS_") or name.startswith(KEPT)
        }
        ours = {
            "SEGMENTS_BROKERS": self.brokers,
            "SEGMENTS_GROUP": self.group,
            "SEGMENTS_RULES": os.pathsep.join(map(str, RULES)),
            "SEGMENTS_DATA_DIR": str(self.folder / "data"),
            "SEGMENTS_HTTP_PORT": "0",
            "PYTHONUNBUFFERED": "1",
        }
        return inherited | ours | more


@contextmanager
def cluster(partitions: int, now: int, report: Callable[[str], None]) -> Iterator[Cluster]:
    """A cluster for one run; a broker that was started for it ends with it, and its data are deleted."""
    folder = Path(tempfile.mkdtemp(prefix="segments-demo-"))
    try:
        given = os.environ.get("SEGMENTS_BROKERS")
        if given:
            yield Cluster(given, folder, partitions, f"demo-{now}")
            return
        with _local_broker(folder, report) as brokers:
            yield Cluster(brokers, folder, partitions, f"demo-{now}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _local_broker(folder: Path, report: Callable[[str], None]) -> Iterator[str]:
    broker = Broker(folder / "broker", report=report)
    try:
        yield broker.start()
    finally:
        broker.stop()


async def run(where: Cluster, *arguments: str, output: Path | None = None) -> str:
    """Run `segments` with these arguments to its end; what it printed, or nothing if that goes to a file."""
    with (output or Path(os.devnull)).open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *SEGMENTS,
            *arguments,
            cwd=ROOT,
            env=where.environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file if output else asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            stdout, stderr = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    if process.returncode:
        lines = stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        said = lines[-1].removeprefix("Error: ")
        raise ClusterError(f"`segments {' '.join(arguments)}` ended with {process.returncode}: {said}")
    return stdout.decode() if stdout else ""
