"""Ask running workers how they are, over HTTP as whoever runs them would."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.integration.worker_log import behind


def address_of(worker) -> str:
    """Wait until a worker has told where it serves its metrics."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        for line in worker.stderr.splitlines():
            if "/metrics" in line and "http://" in line:
                return line.split("metrics and health: ")[1].split("/metrics")[0]
        assert worker.process.poll() is None, worker.stderr
        time.sleep(0.05)
    raise AssertionError(f"the worker never told its port:\n{worker.stderr}")


def ready(worker) -> dict:
    """Ask a worker whether it is ready."""
    try:
        with urllib.request.urlopen(f"{address_of(worker)}/readyz", timeout=5) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def wait_until_ready(worker, seconds: float = 40) -> None:
    """Wait until a worker serves all partitions it was assigned."""
    deadline = time.monotonic() + seconds
    while not ready(worker)["ready"]:
        assert time.monotonic() < deadline, f"{ready(worker)}\n{worker.stderr}"
        time.sleep(0.05)


def scrape(worker: Any) -> dict[str, float]:
    """Return the metrics of a worker, by name and labels as they are written."""
    with urllib.request.urlopen(f"{address_of(worker)}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")
    }


def total(metrics: dict[str, float], name: str) -> float:
    """Sum a metric over its labels."""
    return sum(value for key, value in metrics.items() if re.fullmatch(re.escape(name) + r"(\{.*\})?", key))


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(0.05)


def stop(worker: Any) -> None:
    """Stop a worker gently; it must end well, and soon."""
    worker.process.terminate()
    assert worker.wait(20) == 0, worker.stderr


def wait_until_behind(address: str, group: str, most: int, seconds: float = 60) -> None:
    """Wait until at most so many offsets are left to be committed."""
    deadline = time.monotonic() + seconds
    while behind(address, group) > most:
        assert time.monotonic() < deadline, (
            f"{behind(address, group)} offsets are left, expected at most {most}"
        )
        time.sleep(0.02)
