"""The demo's path over a real broker and real workers, with a slice of the customers."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.local.broker import answers

ROOT = Path(__file__).parents[2]
INTERRUPTED = 130


@contextmanager
def demo(scratch: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The demo as a process of its own, with what it prints; its temporary files go to `scratch`."""
    folder, printed = scratch / "temporary", scratch / "printed.txt"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTS_")}
    with printed.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.demo", "--quick", *options],
            cwd=ROOT,
            env=environment | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            text=True,
        )
        try:
            yield process, printed
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)


def until(printed: Path, words: str, process: subprocess.Popen[str], seconds: float = 90) -> str:
    """What was printed so far, once these words are in it."""
    end = time.monotonic() + seconds
    while words not in (said := printed.read_text()):
        assert process.poll() is None, said
        assert time.monotonic() < end, f"{words!r} did not come within {seconds:.0f} s:\n{said}"
        time.sleep(0.1)
    return said


def processes_with(words: str) -> list[str]:
    """The processes whose command or environment names these words."""
    shown = subprocess.run(
        ["ps", "axeww", "-o", "command="], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in shown.splitlines() if words in line and not line.startswith("ps ")]


@pytest.mark.timeout(300)
def test_the_demo_shows_enters_and_leaves_and_equals_replay(tmp_path: Path) -> None:
    """Flips equal replay's, each rule is entered and left, the live flips promised come."""
    with demo(tmp_path, "--live-seconds", "20") as (process, printed):
        code = process.wait(280)
        said = printed.read_text()
    assert code == 0, said
    counted = re.search(r"Flips: (\d+) by the workers, (\d+) by replay: the same, byte for byte", said)
    assert counted is not None, said
    assert int(counted[1]) == int(counted[2]) > 1_000
    for customer, flip in (
        ("live-bram", "ENTERS cart_abandoned  (timer"),
        ("live-bram", "LEAVES cart_abandoned  (event"),
        ("live-dirk", "ENTERS inactive_90_days  (timer"),
        ("live-carla", "LEAVES high_value  (timer"),
        ("live-eva", "LEAVES three_visits_without_conversion  (erasure"),
        ("live-fleur", "ENTERS three_visits_without_conversion  (event"),
        ("live-greta", "ENTERS at_risk_of_churn  (timer"),
        ("live-greta", "LEAVES at_risk_of_churn  (event"),
    ):
        assert f"{customer} {flip}" in said, said
    went = re.search(r"([\d,]+) customers entered bought_often", said)
    assert went is not None, said
    assert f"{went[1]} customers left bought_often" in said, said
    assert re.search(
        r"[\d,]+ customers entered top_tenth: the best 10 % of [\d,]+ customers spent [\d.]+ or more", said
    ), said
    assert re.search(r"The console: http://127\.0\.0\.1:\d+/segments", said), said
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.timeout(180)
def test_ctrl_c_ends_workers_and_broker(tmp_path: Path) -> None:
    """Interrupted while workers run, the demo leaves no process and no file behind; its code is 130."""
    with demo(tmp_path) as (process, printed):
        said = until(printed, "2. Catching up", process)
        folder = next((tmp_path / "temporary").iterdir())
        address = re.search(r"Kafka: (\S+)", said)
        assert address is not None
        while not list(folder.glob("worker-*.log")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == INTERRUPTED, printed.read_text()
    assert processes_with(str(folder)) == []
    assert not answers(address[1])
    assert not folder.exists()
    assert "Traceback" not in printed.read_text()
