"""Ids of two partitions become one customer amid kills, pauses and moves."""

import pytest

from tests.simulation.linked import LinkedSchedule, judge_linked

SEEDS = range(1, 13)


@pytest.mark.timeout(120)
def test_logins_lose_and_double_nothing_through_faults() -> None:
    """Everybody ends in the segments of one life through the whole log; states and records went between partitions."""
    sent = 0
    for seed in SEEDS:
        schedule = LinkedSchedule(seed).play()
        assert judge_linked(schedule) == [], f"LinkedSchedule({seed}), {schedule.ways}"
        sent += schedule.sent
    assert sent > 2 * len(SEEDS)
