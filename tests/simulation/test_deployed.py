"""Rule sets, borders and fillings go live amid kills, pauses and moves."""

from collections import Counter

import pytest

from segments.engine import BORDERS, FILL, RULES
from tests.simulation.deployed import DeployedSchedule, deployments
from tests.simulation.verdict import judge

SEEDS = range(1, 15)


@pytest.mark.timeout(120)
def test_deployments_take_effect_at_their_place_through_faults() -> None:
    """Preloaded, flips, outcomes and states are those of a replay; live, so are the segments at the end."""
    kinds: Counter[tuple[str, bool]] = Counter()
    for seed in SEEDS:
        schedule = DeployedSchedule(seed).play()
        assert judge(schedule) == [], f"python -m tests.simulation --kind deployed --seed {seed}"
        kinds.update((each.kind, schedule.live) for each in deployments(schedule)[0][1:])
    assert all(kinds[kind, live] for kind in (RULES, BORDERS, FILL) for live in (False, True)), kinds
