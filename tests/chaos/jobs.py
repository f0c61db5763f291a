"""One run in a process of its own, over a broker of its own: several go side by side."""

import tempfile
import traceback
from pathlib import Path

from tests.chaos.cluster import Cluster
from tests.chaos.runs import Plan, Report, live, preloaded
from tests.chaos.scenarios import caught

REGIMES = {"preloaded": preloaded, "live": live}


def run(regime: str, plan: Plan) -> Report:
    """One run, over a broker of its own; a harness that breaks proves nothing, and is told as that."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, Cluster(Path(folder)) as cluster:
        say = lambda line: print(f"{regime} {plan.seed}: {line}", flush=True)  # noqa: E731
        try:
            return REGIMES[regime](cluster, Path(folder), plan, say)
        except Exception:  # noqa: BLE001 - the other seeds go on
            return Report(regime, plan.seed, problems=[traceback.format_exc()])


def is_caught(name: str) -> bool:
    """Whether a seeded bug is noticed, over a broker of its own."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, Cluster(Path(folder)) as cluster:
        return caught(cluster, Path(folder), name)
