"""Watching a process work off a log: samples of what is committed and what it cost, and the pace they show."""

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tests.benchmarks.rig import Site, cpu

EVERY = 0.03
"""Seconds between two looks."""
INNER = (0.2, 0.9)
"""The part of the log in which the pace is taken: state is populated, and nothing has run out yet."""

ENOUGH, LONG_ENOUGH = 4, 0.5
"""Commits, and seconds between the first and the last of them, for a pace."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How far a process was, and what it had cost: itself, the broker, and this program."""

    at: float
    done: int
    cpu: float
    broker: float
    own: float


@dataclass(frozen=True, slots=True)
class Pace:
    """What one run showed."""

    rate: float
    """Committed events a second."""
    cpu: float
    """CPU seconds of the process for a million events; so of the broker and of this program."""
    broker: float
    own: float
    done: int
    finished: bool
    """Whether it came to the end of the log before it was cut off."""
    coarse: bool = False
    """Whether it committed too seldom, so that the time and the CPU of its start are in the pace."""


class Died(Exception):
    """What was measured ended by itself."""


def watch(
    site: Site, process: subprocess.Popen[bytes], reached: Callable[[], int], end: int, cap: float
) -> list[Sample]:
    """Sample until the end of the log is committed, or the time is up."""
    samples: list[Sample] = []
    deadline = None
    while not samples or samples[-1].done < end:
        if process.poll() is not None:
            raise Died(f"it ended with {process.returncode}")
        done = reached()
        now = time.monotonic()
        samples.append(Sample(now, done, cpu(process.pid), site.broker_cpu, time.process_time()))
        # What it needs to start does not count against it.
        deadline = deadline or (now + cap if done else None)
        if now > (deadline or samples[0].at + 90):
            break
        time.sleep(EVERY)
    return samples


def pace(samples: Sequence[Sample], end: int) -> Pace:
    """The pace between 20 % and 90 % of what was done, between two moments at which something was committed."""
    done = samples[-1].done
    steps = [after for before, after in pairwise(samples) if after.done > before.done]
    inner = [each for each in steps if INNER[0] * done <= each.done <= INNER[1] * done]
    # Between two commits that happen to follow each other one would see any pace.
    coarse = len(inner) < ENOUGH or inner[-1].at - inner[0].at < LONG_ENOUGH
    chosen = [samples[0], *steps] if coarse else inner
    if len(chosen) < 2:
        raise Died(f"it committed {done} of {end} events: no pace to be taken")
    first, last = chosen[0], chosen[-1]
    million = (last.done - first.done) / 1e6
    return Pace(
        (last.done - first.done) / (last.at - first.at),
        (last.cpu - first.cpu) / million,
        (last.broker - first.broker) / million,
        (last.own - first.own) / million,
        done,
        done >= end,
        coarse,
    )


def summary(paces: Sequence[Pace]) -> dict[str, float | bool | int]:
    """Median and range of several rounds."""
    rates = [each.rate for each in paces]
    return {
        "rate": round(median(rates)),
        "lowest": round(min(rates)),
        "highest": round(max(rates)),
        "cpu": round(median(each.cpu for each in paces), 2),
        "broker": round(median(each.broker for each in paces), 2),
        "own": round(median(each.own for each in paces), 2),
        "rounds": len(paces),
        "done": min(each.done for each in paces),
        "coarse": any(each.coarse for each in paces),
        "finished": all(each.finished for each in paces),
    }
