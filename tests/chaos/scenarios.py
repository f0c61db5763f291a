"""For each seeded bug the smallest run that must notice it."""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.chaos import faults
from tests.chaos.bugs import BUGS
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Fault
from tests.chaos.phases import IDLE, TRANSACTION
from tests.chaos.runs import MINUTES, SHIPPED, Plan, Report, preloaded

Struck = tuple[tuple[Fault, str], ...]

KILLS: Struck = ((faults.kill, TRANSACTION),) * 4
PAUSES: Struck = ((faults.pause, TRANSACTION),) * 2
KILLED: Struck = ((faults.killed_in_flight, TRANSACTION),) * 3
AWAKE: Struck = ((faults.paused_in_flight, TRANSACTION),) * 3
HELD: Struck = ((faults.held_back, TRANSACTION),) * 4
SCENARIOS: dict[str, Struck] = {
    "unconfirmed_is_caught_up": (),
    "reads_uncommitted": (),
    "skips_accepted": (),
    "due_list_not_rebuilt": KILLS[:2],
    "fires_twice": KILLS[:2],
    "deletions_not_restored": ((faults.state_deleted, IDLE),) * 2,
    "position_before_outputs": KILLS,
    "changelog_outside": KILLS,
    "read_before_fencing": KILLED,
    "fenced_goes_on": AWAKE,
    "random_transactional_id": PAUSES,
    "unknown_is_success": HELD,
    "unknown_is_failure": HELD,
    "store_before_commit": HELD,
}
SHORT_MEMORY = ("deletions_not_restored",)
"""Those that show only where customers are forgotten, so with rules that look back a day at most."""
assert SCENARIOS.keys() == BUGS.keys()


def attempt(
    cluster: Cluster, folder: Path, name: str, seed: int, say: Callable[[str], None], patience: float = 25
) -> Report:
    """A run of workers with a bug; without a name, of workers without."""
    program = (sys.executable, "-m", "tests.chaos.bugs", name) if name else ()
    struck = SCENARIOS.get(name, ())
    rules = MINUTES if name in SHORT_MEMORY else SHIPPED
    batch = "4" if struck else "50"
    plan = Plan(seed, events=4_000, customers=150, only=struck, rules=rules, batch=batch, patience=patience)
    return preloaded(cluster, folder, plan, say, program)


def caught(
    cluster: Cluster, folder: Path, name: str, say: Callable[[str], None] = print, attempts: int = 3
) -> bool:
    """Whether a bug is noticed, in one of a few seeds."""
    for seed in range(1, attempts + 1):
        report = attempt(cluster, folder, name, seed, lambda _line: None)
        counts = report.verdict.counts
        say(
            f"{name:26} seed {seed}: lost {counts['lost']}, doubled {counts['doubled']}, wrong {counts['wrong']} ({report.seconds:.0f} s)"
        )
        if not report.verdict.clean:
            return True
    return False
