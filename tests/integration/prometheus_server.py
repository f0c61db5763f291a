"""A real Prometheus that scrapes workers every second and loads the rules of the repository."""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.prometheus.install import programs
from streams.local.broker import free_port
from tests.unit.repository import ROOT

RULES = ROOT / "deploy" / "prometheus" / "segments.rules.yaml"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Answers over its own API."""

    address: str

    def get(self, path: str, **parameters: Any) -> Any:
        """Ask something, and return the data of the answer."""
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def value(self, query: str) -> float | None:
        """The value of a query that has one result; None if it has none."""
        found = self.get("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def series(self, query: str, seconds: float) -> list[dict[str, Any]]:
        """What a panel is drawn from: the series of the last so many seconds."""
        end = time.time()
        found: list[dict[str, Any]] = self.get(
            "query_range", query=query, start=end - seconds, end=end, step=1
        )["result"]
        return found


@contextmanager
def prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """Run it for as long as the block."""
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "segments", "static_configs": [{"targets": list(targets)}]}],
    }
    # JSON is YAML.
    (folder / "prometheus.yaml").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        programs() / "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(address, process, folder / "prometheus.log")
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())
