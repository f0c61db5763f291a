"""Flips by time: how late they are noticed, and how long it takes when very many are due in one second.

A flip's `occurred_at` is exact however late it is noticed. It can't be noticed before the grace has passed
(two seconds by default), for which an event that happened before it is waited for: lateness is told without it, and with it.
"""

import time
from typing import Any

from tests.benchmarks.environments import HERE
from tests.benchmarks.latency import Listener, Received, ahead, lateness_of, percentiles, start_sender
from tests.benchmarks.rig import Site, load_average
from tests.benchmarks.running import RunningWorker
from tests.benchmarks.sizes import Plan

RULES = HERE / "rules" / "by_time"
PARTITIONS = 4
GRACE = 2.0
"""Seconds: the default of SEGMENTS_GRACE."""
LIVE = 500
"""Events a second beside the flips, each of which flips as well."""
SPREAD = 10.0
"""Seconds over which flips are due in the quiet part."""
SENT = 8_000
"""Events a second by which the flips are prepared."""


def measure(plan: Plan) -> dict[str, Any]:
    """Spread over ten seconds, then all in one."""
    site, before = Site(plan.folder / "time", PARTITIONS), load_average()
    with site:
        flips = min(plan.sizes.flips, 10_000)
        spread = _due(plan, site, flips, SPREAD, first=0)
        burst = _due(plan, site, plan.sizes.flips, 1.0, first=1_000_000_000)
    return {"spread": spread, "burst": burst, "load": [before, load_average()], "live": LIVE}


def _due(plan: Plan, site: Site, count: int, over: float, first: int) -> dict[str, Any]:
    with RunningWorker(site, "time", plan.folder / "by-time", RULES=str(RULES)) as worker:
        worker.wait_until_ready()
        listener = Listener(site)
        begin = 2 * ahead(count)
        start = time.time() + begin
        due = start + count / SENT * 1.2 + 4
        numbers = ("--first", str(first))
        timers = (*numbers, "--due", str(due), "--over", str(over))
        preparing = start_sender(site, "due", start, SENT, count, *timers)
        live = int((due - start + over + GRACE + 3 + count / 8_000) * LIVE)
        sender = start_sender(site, "new", start, LIVE, live, *numbers)
        received = listener.until(lambda: sender.poll() is not None, quiet=2.0, cap=300.0)
        listener.close()
    lateness_of(preparing)
    return _told(received, count, due, (start, first)) | {"sender": lateness_of(sender)}


def _told(received: list[Received], count: int, due: float, sent: tuple[float, int]) -> dict[str, Any]:
    start, first = sent
    quiet = [(at, event) for at, event in received if event["segment"] == "quiet"]
    late = [(at - event["occurred_at"] / 1000) * 1000 for at, event in quiet]
    end = max((at for at, _ in quiet), default=due)
    live = [
        (at - (start + (int(event["cause"]["event_id"], 16) - first) / LIVE)) * 1000
        for at, event in received
        if event["segment"] == "seen" and due + GRACE <= at <= end + 0.5
    ]
    return {
        "flips": len(quiet),
        "expected": count,
        "lateness": percentiles(each - GRACE * 1000 for each in late),
        "with_grace": percentiles(late),
        "drained": round(end - due - GRACE, 2),
        "live": percentiles(live),
        "live_flips": len(live),
    }
