"""What takes long says so, in a log too, and fills no log."""

import pytest

from streams.cli import going_live, progress
from streams.local import maven

FETCH = 'for file in $(seq 140); do echo "Downloaded from central: $file.jar"; done'
"""What Maven prints, by the shell."""


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets: seconds."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_every_few_seconds(clock, capsys):
    """A thousand steps within eleven seconds are two lines, with how far it is."""
    with progress.bar(2_000) as step:
        for each in range(1_000):
            clock[0] = each * 0.011
            step(1)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("reading: 45")
    assert first.endswith(" of 2,000")
    assert second.startswith("reading: 91")


def test_what_is_quick_says_nothing(clock, capsys):
    """A command of a second has no line of progress in its output."""
    with progress.bar(10) as step:
        clock[0] = 1.0
        step(10)
    assert capsys.readouterr().err == ""


def test_a_wait_says_what_changed_every_few_seconds(clock, capsys):
    """In a log the first line comes at once, then at most one in five seconds, and none that says the same again."""
    with going_live.progress() as tell:
        for at, line in (
            (0, "0 of 2"),
            (1, "1 of 2"),
            (5, "1 of 2"),
            (11, "1 of 2"),
            (12, "2 of 2"),
            (16, "done"),
        ):
            clock[0] = at
            tell(line)
    assert capsys.readouterr().err.splitlines() == ["0 of 2", "1 of 2", "2 of 2"]


def test_files_that_come_at_once_are_one_line():
    """140 files of a fetch that takes no time are not 140 lines."""
    said: list[str] = []
    maven._run_maven(["sh", "-c", FETCH], "it", "fetching it", said.append)
    assert said == ["fetching it ..."]


def test_a_fetch_that_takes_long_says_how_far_it_is(monkeypatch):
    """Every few seconds there is a line with the number of files."""
    monkeypatch.setattr(maven, "REPORT_SECONDS", 0.0)
    said: list[str] = []
    maven._run_maven(["sh", "-c", FETCH], "it", "fetching it", said.append)
    assert said[-1] == "fetching it: 140 files"
