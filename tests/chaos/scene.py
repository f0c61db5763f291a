"""One run's stage: the broker, the workers, and a record of every fault with the phase that it hit."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.cluster import Cluster
from tests.chaos.phases import IDLE, REBALANCING, RESTORING
from tests.chaos.reading import Reader
from tests.chaos.workers import Crew, Worker

SESSION = 3.0
"""Seconds after which a silent worker counts as dead."""
MOST = 3
"""Workers at one time."""


@dataclass(slots=True)
class Struck:
    """A fault that happened."""

    kind: str
    phase: str
    at: float
    """Seconds of the wall clock."""


@dataclass
class Scene:
    """What the faults act upon."""

    cluster: Cluster
    crew: Crew
    group: str
    chance: random.Random
    away: float
    """Seconds for which a broker is away."""
    struck: list[Struck] = field(default_factory=list)
    say: Callable[[str], None] = print
    began: float = field(default_factory=time.monotonic)

    @property
    def reader(self) -> Reader:
        """Reads past the proxy."""
        return Reader(self.cluster.direct)

    def note(self, kind: str, phase: str) -> None:
        """Record a fault at the moment it strikes."""
        self.struck.append(Struck(kind, phase, time.time()))
        self.say(f"{time.monotonic() - self.began:6.1f} s  {kind} ({phase})")

    def phase(self, worker: Worker) -> str:
        """What a worker is doing."""
        return self.cluster.proxy.journal.phase(worker.address)

    def hire(self, **settings: str) -> Worker:
        """Start a worker with a store, a name and a size of transactions by chance."""
        more = {"SEGMENTS_STORE": self.chance.choice(("memory", "rocksdb")), **settings}
        if self.chance.random() < 0.3:
            more["SEGMENTS_WORKER_NAME"] = f"named-{self.crew.started}"
        return self.crew.start(more)

    def someone(self) -> Worker:
        """A worker that serves, by chance; one is started if there is none."""
        running = self.crew.running
        if not running:
            self.crew.wait_until_ready(self.hire())
            running = self.crew.running
        ready = [worker for worker in running if worker.ready()] or running
        return self.chance.choice(ready)

    def at_least(self, count: int) -> None:
        """Have so many workers running, and ready."""
        while len(self.crew.running) < count:
            self.hire()
        for worker in self.crew.running:
            self.crew.wait_until_ready(worker, 20)

    def approach(self, worker: Worker, wanted: str) -> str:
        """Wait for the moment at which a worker is in a phase, and provoke it; returns the phase that it is in."""
        if wanted in (RESTORING, REBALANCING):
            self.provoke(worker)
        self.cluster.proxy.journal.wait_for(
            worker.address, wanted, 8 if wanted in (RESTORING, REBALANCING) else 2
        )
        return self.phase(worker)

    def provoke(self, worker: Worker) -> None:
        """Make the group share its partitions anew: someone comes, or, where there are enough, goes."""
        others = [each for each in self.crew.running if each is not worker]
        if len(self.crew.running) >= MOST and others:
            leaving = self.chance.choice(others)
            self.note("leave", self.phase(leaving))
            leaving.process.terminate()
        else:
            self.note("join", self.phase(worker))
            self.hire()

    def forget(self, worker: Worker) -> None:
        """A worker's conversations are over."""
        self.cluster.proxy.journal.forget(worker.address)

    def busiest(self) -> str:
        """The phase of the whole: the first that any worker is in and that isn't idle."""
        phases = [self.phase(worker) for worker in self.crew.running]
        return next((phase for phase in phases if phase != IDLE), IDLE)
