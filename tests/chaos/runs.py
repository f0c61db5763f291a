"""One run of a regime: faults at seeded moments, and the verdict."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from segments.engine import EngineSettings, load
from tests.chaos.cluster import Cluster
from tests.chaos.faults import Fault, schedule
from tests.chaos.reading import Reader, by_customer, consumed, memberships
from tests.chaos.scene import SESSION, Scene, Struck
from tests.chaos.traffic import Sender, Shop, history
from tests.chaos.truth import logs, replayed_lines, truth
from tests.chaos.verdict import (
    Verdict,
    check_accounts,
    check_letters,
    check_positions,
    compare,
    compare_lines,
    states,
)
from tests.chaos.workers import ROOT, Crew

SHIPPED = ROOT / "segments"


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a run is."""

    seed: int
    partitions: int = 4
    events: int = 15_000
    customers: int = 400
    faults: int = 11
    rate: float = 200.0
    away: float = 4.0
    """Seconds for which the broker is away."""
    without: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Report:
    """What a run did and found."""

    regime: str
    seed: int
    events: int = 0
    flips: int = 0
    transactions: int = 0
    seconds: float = 0.0
    struck: list[Struck] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)
    problems: list[str] = field(default_factory=list)
    """Why the run itself proves nothing."""

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled or wrong, and the run was what it was to be."""
        return self.verdict.clean and not self.problems

    def __str__(self) -> str:
        verdict = self.verdict.counts
        return (
            f"{self.regime} seed {self.seed}: {self.events} events, {self.flips} flips, {self.transactions} transactions, "
            f"{len(self.struck)} faults in {self.seconds:.0f} s; lost {verdict['lost']}, doubled {verdict['doubled']}, "
            f"wrong {verdict['wrong']}" + "".join(f"\n  {line}" for line in (*self.verdict.notes, *self.problems))
        )


BRAKE = 0.2
"""Seconds, at most, by which each answer to a transaction is late while a fault strikes: else all would be over."""

Say = Callable[[str], None]


def settings(cluster: Cluster, group: str, **more: str) -> dict[str, str]:
    """The settings that all workers of a run share."""
    return {
        "SEGMENTS_BROKERS": cluster.proxied,
        "SEGMENTS_GROUP": group,
        "SEGMENTS_SESSION_TIMEOUT": str(int(SESSION * 1000)),
        **more,
    }


def preloaded(cluster: Cluster, folder: Path, plan: Plan, say: Say = print, program: tuple[str, ...] = ()) -> Report:
    """Everything is in Kafka before the first worker starts; what comes out equals a replay byte for byte."""
    began, group = time.monotonic(), f"preloaded-{plan.seed}"
    report = Report("preloaded", plan.seed)
    cluster.fresh_topics(group, plan.partitions)
    shop = Shop(plan.seed, plan.partitions)
    report.events = Sender(cluster.direct).send_all(history(shop, plan.events, plan.customers), shop.chance)
    crew = Crew(folder, settings(cluster, group, SEGMENTS_CLOCK="event", SEGMENTS_MAX_BATCH="4"))
    if program:
        crew.program = program
    scene = Scene(cluster, crew, group, random.Random(f"faults {plan.seed}"), plan.away, say=say)
    before = cluster.proxy.journal.transactions
    try:
        scene.at_least(2)
        assert scene.someone().ready(), scene.crew.workers[0].said[-3000:]
        strike_by_progress(scene, plan, report)
        finish(scene, report)
    finally:
        cluster.proxy.latency, cluster.proxy.trap = 0.0, None
        crew.end()
    report.struck, report.transactions = scene.struck, cluster.proxy.journal.transactions - before
    judge_preloaded(cluster, folder, group, plan, report)
    report.seconds = time.monotonic() - began
    return report


def strike_by_progress(scene: Scene, plan: Plan, report: Report) -> None:
    """Each fault as so many of the records are done."""
    total = scene.reader.behind(scene.group)
    faults = schedule(scene.chance, plan.faults, plan.without)
    for number, (fault, wanted) in enumerate(faults):
        share = (number + scene.chance.random()) / (len(faults) + 1) * 0.6
        left = wait_for_progress(scene, int(total * (1 - share)))
        if left == 0:
            report.problems.append(f"all was done before fault {number + 1} of {len(faults)}: the run proves nothing")
            return
        scene.cluster.proxy.latency = BRAKE
        fault(scene, wanted)
        scene.cluster.proxy.latency = 0.0


def wait_for_progress(scene: Scene, most: int, seconds: float = 60) -> int:
    """Wait until at most so many records are left; returns how many are."""
    deadline = time.monotonic() + seconds
    while (left := scene.reader.behind(scene.group)) > most:
        if time.monotonic() > deadline:
            scene.say(f"        {left} records are left, {most} were expected: going on")
            break
        time.sleep(0.1)
        scene.at_least(1)
    return left


def finish(scene: Scene, report: Report, seconds: float = 120) -> None:
    """No more faults: everyone may run as fast as can be, until all is done; then all stop gently."""
    scene.cluster.proxy.latency = 0.0
    if not [worker for worker in scene.crew.running if worker.alive]:
        scene.hire()
    scene.crew.start({"SEGMENTS_MAX_BATCH": "5000"})
    deadline = time.monotonic() + seconds
    while (left := scene.reader.behind(scene.group)) > 0:
        if time.monotonic() > deadline:
            report.verdict.add("lost", f"{left} records are not done {seconds:.0f} s after the last fault", left)
            break
        time.sleep(0.3)
    stop_all(scene, report)


def stop_all(scene: Scene, report: Report) -> None:
    """Look at every worker's accounts, then stop it gently, which must succeed."""
    for worker in scene.crew.running:
        check_accounts(report.verdict, worker.metrics(), worker.address)
    for worker in scene.crew.running:
        worker.process.terminate()
    for worker in scene.crew.running:
        code = worker.process.wait(30)
        if code != 0:
            report.verdict.add("wrong", f"a worker that was told to stop ended with {code}: {worker.said[-300:]}")


def judge_preloaded(cluster: Cluster, folder: Path, group: str, plan: Plan, report: Report) -> None:
    """Flips by `segments replay`, and all the rest by the engine in this process."""
    verdict, scene_reader = report.verdict, Reader(cluster.direct)
    actual = by_customer(consumed(cluster.direct, "segment-events"))
    report.flips = sum(map(len, actual.values()))
    compare_lines(verdict, replayed_lines(cluster.direct, SHIPPED, plan.partitions, folder), actual)
    expected = truth(logs(scene_reader, plan.partitions), load([SHIPPED]), EngineSettings())
    report.outcomes = expected.outcomes
    if expected.consumed != expected.outcomes.total():
        verdict.add("wrong", f"{expected.consumed} records in the log, outcomes {dict(expected.outcomes)}")
    compare(verdict, "memberships", dict(expected.memberships), memberships(scene_reader))
    check_letters(verdict, scene_reader, expected)
    kept, positions = states(scene_reader, group)
    check_positions(verdict, scene_reader, group, positions)
    for number, wanted in expected.states.items():
        compare(verdict, f"the state in partition {number}", wanted, kept.get(number, {}))
