"""Ids of two partitions become one customer amid kills, pauses and moves; and workers with bugs in that."""

import pytest

from streams.store.stores import MemoryStore
from streams.worker import outbox, takeover
from tests.simulation.linked import BUGS, LinkedSchedule, judge_linked

NOTICED_AT = {
    "state_sent_and_not_forgotten": 13,
    "redirect_lost_on_restart": 8,
    "circle_that_runs_for_ever": 31,
}
"""The seed of a schedule in which each bug shows: it is played without the bug, too."""
SEEDS = sorted({*range(1, 13), *NOTICED_AT.values()})


@pytest.mark.timeout(120)
def test_logins_lose_and_double_nothing_through_faults() -> None:
    """Everybody ends in the segments of one life through the whole log; states and records went between partitions."""
    sent = 0
    for seed in SEEDS:
        schedule = LinkedSchedule(seed).play()
        assert judge_linked(schedule) == [], f"LinkedSchedule({seed}), {schedule.ways}"
        sent += schedule.sent
    assert sent > 2 * len(SEEDS)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("bug", list(BUGS))
def test_each_seeded_bug_of_links_is_noticed(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that stays where it was, a redirect that a restart forgets, a ring without an end."""
    for owner, name in ((outbox.Outbox, "batches"), (MemoryStore, "commit"), (takeover, "_partition")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    BUGS[bug]()
    assert judge_linked(LinkedSchedule(NOTICED_AT[bug]).play())
