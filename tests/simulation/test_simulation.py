"""Some hundred schedules, the same seed twice, and workers with bugs; `make simulate` plays many more."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.__main__ import BUGS
from tests.simulation.schedule import Schedule

PHASES = ("idle", "rebalancing", "restoring", "transaction", "paused")


def program(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run `python -m tests.simulation`."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


@pytest.mark.timeout(300)
def test_no_schedule_loses_or_doubles_a_flip() -> None:
    """Kills, pauses, moves, lost runs and late answers between any two steps of the worker's own loop."""
    done = program("--seeds", "150")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "150 schedules" in done.stdout
    missing = [
        phase
        for phase in PHASES
        if not any(line.split()[:2] == ["kill", phase] for line in done.stdout.splitlines())
    ]
    assert not missing, f"nobody was killed while {missing}: {done.stdout}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", BUGS)
def test_each_seeded_bug_is_noticed(kind: str) -> None:
    """What a worker does wrong is found in the seed where it shows, or else in another one, and only with the bug."""
    done = program("--kind", kind, "--bugs", "--seeds", "150")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"seeded bugs: {len(BUGS[kind])} of {len(BUGS[kind])} caught" in done.stdout


@pytest.mark.timeout(60)
def test_a_seed_gives_the_same_schedule_again() -> None:
    """What went wrong once can be looked at: by the command that is printed, in another process."""
    schedule = Schedule(7).play()
    told = program("--seed", "7", hash_seed="4711")
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.splitlines()[1:-2] == schedule.done
    assert told.stdout.splitlines()[-2] == f"log {schedule.kafka.digest()}"


@pytest.mark.timeout(60)
def test_a_seed_that_goes_wrong_is_told_with_its_command() -> None:
    """The command that plays it again fails, too."""
    done = program("--seeds", "20", "--bug", "changelog_outside")
    assert done.returncode == 1, done.stdout + done.stderr
    told = next(line for line in done.stdout.splitlines() if "again by:" in line)
    again = told.split("tests.simulation ")[1]
    assert program(*again.split()).returncode == 1
