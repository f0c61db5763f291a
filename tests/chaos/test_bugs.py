"""The harness is tested too: it notices workers with a bug. `make chaos` tries all of them."""

import pytest

from tests.chaos.scenarios import SCENARIOS, attempt, caught


@pytest.mark.timeout(400)
@pytest.mark.parametrize("bug", ["read_before_fencing", "reads_uncommitted", "changelog_outside"])
def test_a_worker_with_a_bug_is_noticed(cluster, tmp_path, bug) -> None:
    """What it loses, doubles or gets wrong is found in what it published."""
    assert caught(cluster, tmp_path, bug)


@pytest.mark.timeout(300)
def test_runs_that_never_arrive_are_no_bug(cluster, tmp_path) -> None:
    """A worker whose fetched runs get lost on the way fetches them again, and nothing is amiss."""
    assert "skips_accepted" in SCENARIOS
    report = attempt(cluster, tmp_path, "lose_runs", 1, print, patience=120)
    assert report.good, str(report)
