"""Our worker as a process that is measured: started, asked for its metrics, stopped."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.benchmarks.rig import Site, on_the_first_core
from tests.benchmarks.watch import Died, Pace, pace, watch

SEGMENTS = str(Path(sys.executable).with_name("segments"))
READY = 120.0
TWELVE = Path(__file__).parent / "rules" / "twelve"
"""The rules that the figures are of, so that those of two commits compare; more rules are shipped by now."""
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def environment(site: Site, group: str, folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a worker or a command: the defaults but what is given."""
    given = {
        "BROKERS": site.address,
        "GROUP": group,
        "DATA_DIR": str(folder),
        "HTTP_PORT": "0",
        "RULES": str(TWELVE),
        **settings,
    }
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SEGMENTS_")},
        **{f"SEGMENTS_{name}": value for name, value in given.items()},
    }


class RunningWorker:
    """A worker on the first core, or on `both`; `with RunningWorker(...) as worker`.

    Its settings are the defaults but those given.
    """

    def __init__(self, site: Site, group: str, folder: Path, *, both: bool = False, **settings: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._site = site
        self._log = folder / "worker.log"
        self._environment = environment(site, group, folder, **settings)
        self._call = on_the_first_core([SEGMENTS, "worker"], both=both)
        self.started = 0.0

    def __enter__(self) -> Self:
        self.started = time.monotonic()
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(self._call, env=self._environment, stdout=log, stderr=log)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def wait_until_ready(self) -> float:
        """Seconds from its start until its partitions are served."""
        deadline = self.started + READY
        while not self._is_ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"the worker was not ready:\n{self.log_tail()}")
            time.sleep(0.02)
        return time.monotonic() - self.started

    def _is_ready(self) -> bool:
        url = self._url()
        if url is None:
            return False
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _url(self) -> str | None:
        found = re.search(r"(http://\S+)/metrics", self._log.read_text(errors="replace"))
        return found.group(1) if found else None

    def pace(self, reached: Callable[[], int], end: int, cap: float) -> Pace:
        """Its pace to the end of the log."""
        try:
            return pace(watch(self._site, self.process, reached, end, cap), end)
        except Died as error:
            raise Died(f"{error}:\n{self.log_tail()}") from error

    def work_off(self, reached: Callable[[], int], end: int, cap: float) -> None:
        """Wait until it has committed the log to its end; raises Died if it ends itself, or takes longer than `cap`."""
        try:
            done = watch(self._site, self.process, reached, end, cap)[-1].done
        except Died as error:
            raise Died(f"{error}:\n{self.log_tail()}") from error
        if done < end:
            raise Died(f"it committed {done} of {end} events in {cap:g} s:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])

    def metrics(self) -> dict[tuple[str, str], float]:
        """Each sample by its name and its labels as written."""
        with urllib.request.urlopen(f"{self._url()}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        return {(name, labels): float(value) for name, labels, value in SAMPLE.findall(text)}


def by_label(metrics: Mapping[tuple[str, str], float], name: str, label: str) -> dict[str, float]:
    """The samples of a metric by one of its labels, summed over the others."""
    found: dict[str, float] = {}
    for (metric, labels), value in metrics.items():
        here = re.search(rf'{label}="([^"]*)"', labels)
        if metric == name and here:
            found[here.group(1)] = found.get(here.group(1), 0.0) + value
    return found


def total(metrics: Mapping[tuple[str, str], float], name: str) -> float:
    """The samples of a metric, summed."""
    return sum(value for (metric, _), value in metrics.items() if metric == name)
