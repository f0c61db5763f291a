"""Workers as processes of their own, to be killed, paused, stopped and looked at."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from streams.local.broker import free_port

ROOT = Path(__file__).parents[2]
SAMPLE = re.compile(r"^(\w+)(\{[^}]*\})? (\S+)$", re.MULTILINE)


@dataclass
class Worker:
    """One worker process; `address` is that of its HTTP server, by which the broker's log of it is found too."""

    process: subprocess.Popen[bytes]
    settings: dict[str, str]
    log: Path
    port: int
    killed: bool = False
    paused: bool = False

    @property
    def address(self) -> str:
        """Host and port of its HTTP server."""
        return f"127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Stop it where it is."""
        self.paused = True
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on as if nothing had happened."""
        self.process.send_signal(signal.SIGCONT)
        self.paused = False

    def stop(self, seconds: float = 25) -> int:
        """Ask it to end, and wait for it; returns the exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def end(self) -> None:
        """End it whatever it does."""
        if self.alive:
            self.process.kill()
        self.process.wait()

    def ready(self) -> bool:
        """Whether it serves all partitions that it was assigned."""
        answer = self._get("/readyz")
        return answer.startswith("{") and bool(json.loads(answer).get("ready"))

    def metrics(self) -> dict[str, float]:
        """What it tells of itself, by name and labels; nothing if it doesn't answer."""
        return {name + labels: float(value) for name, labels, value in SAMPLE.findall(self._get("/metrics"))}

    def _get(self, page: str) -> str:
        try:
            with urllib.request.urlopen(f"http://{self.address}{page}", timeout=3) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.read().decode())
        except OSError:
            return ""


@dataclass
class Crew:
    """All workers of a run, with the settings that they share."""

    folder: Path
    settings: dict[str, str]
    program: tuple[str, ...] = (str(Path(sys.executable).with_name("segments")),)
    workers: list[Worker] = field(default_factory=list)
    started: int = 0

    @property
    def running(self) -> list[Worker]:
        """Those that are alive and not paused."""
        return [worker for worker in self.workers if worker.alive and not worker.paused]

    def start(self, more: dict[str, str] | None = None) -> Worker:
        """Start one; with settings of its own."""
        self.started += 1
        port = free_port()
        own = {
            "SEGMENTS_HTTP_PORT": str(port),
            "SEGMENTS_DATA_DIR": str(self.folder / f"data-{self.started}"),
        }
        settings = {**self.settings, **own, **(more or {})}
        log = self.folder / f"worker-{self.started}.log"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTS_")}
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*self.program, "worker"],
                env=clean | settings,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        log.with_suffix(".pid").write_text(f"{process.pid}\n")
        self.workers.append(Worker(process, settings, log, port))
        return self.workers[-1]

    def again(self, worker: Worker) -> Worker:
        """Start one anew where another one was: the same name, the same directory."""
        kept = {name: worker.settings[name] for name in PLACE if name in worker.settings}
        return self.start(kept)

    def wait_until_ready(self, worker: Worker, seconds: float = 40) -> bool:
        """Wait until a worker serves what it was assigned; False if it doesn't in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and worker.alive:
            if worker.ready():
                return True
            time.sleep(0.05)
        return False

    def end(self) -> None:
        """End all of them."""
        for worker in self.workers:
            worker.end()
            worker.log.with_suffix(".pid").unlink(missing_ok=True)


PLACE = ("SEGMENTS_DATA_DIR", "SEGMENTS_WORKER_NAME", "SEGMENTS_STORE", "SEGMENTS_MAX_BATCH")


def damage(worker: Worker, how: str) -> int:
    """Delete or damage what a worker keeps on disk; returns how many files there were."""
    folder = Path(worker.settings["SEGMENTS_DATA_DIR"]) / "state"
    files = [file for file in folder.rglob("*") if file.is_file()]
    if how == "deleted":
        shutil.rmtree(folder, ignore_errors=True)
        return len(files)
    for file in files:
        if file.name.startswith("MANIFEST") or file.suffix in (".sst", ".log"):
            file.write_bytes(b"damaged" * 100)
    return len(files)
