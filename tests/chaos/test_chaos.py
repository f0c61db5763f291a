"""A short seed of each regime; `make chaos` runs many that are longer, and fails if a phase was never hit."""

import pytest

from tests.chaos.phases import TRANSACTION
from tests.chaos.runs import Plan, Report, live, preloaded


def judge(report: Report, *phases: str) -> None:
    """Nothing lost, doubled or wrong; enough faults struck, and in these phases."""
    assert report.good, str(report)
    hit = {struck.phase for struck in report.struck}
    assert hit >= set(phases), f"the faults hit {sorted(hit)} only: {report}"


@pytest.mark.timeout(400)
def test_what_was_in_kafka_before_comes_out_as_a_replay_says(cluster, tmp_path) -> None:
    """Kills, pauses, joins, leaves, broker restarts, cut connections, lost state: byte for byte `segments replay`.

    Outcomes are, too; customers who log in end in the segments of a replay.
    """
    report = preloaded(cluster, tmp_path, Plan(seed=2, events=6_000, faults=9, away=3.0))
    judge(report, TRANSACTION)
    assert len(report.struck) >= 9, report


@pytest.mark.timeout(400)
def test_a_live_run_is_one_valid_order(cluster, tmp_path) -> None:
    """The same faults while events come in: no gap, enters and exits in turns, and the segments of a replay at the end.

    Three rule sets go live meanwhile, one of them after its new measure was filled from the history.
    """
    report = live(cluster, tmp_path, Plan(seed=3, faults=9, away=3.0))
    judge(report, TRANSACTION)
    assert len(report.struck) >= 9, report
    assert report.outcomes["applied"] > 1_000, report
    assert report.deployments[1:] == ["amid-1", "amid-2-fill", "amid-2", "amid-4"], report
