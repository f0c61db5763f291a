"""One run of a regime: faults at seeded moments, and the verdict."""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemas
from segments.engine import OLDER, EngineSettings, load, partition_of
from tests.chaos.cluster import Cluster
from tests.chaos.deploying import Deployer, followed
from tests.chaos.faults import Fault, schedule
from tests.chaos.live import GRACE, SETTINGS, Traffic
from tests.chaos.logins import LINKED, Logins, promised
from tests.chaos.oracle import differences
from tests.chaos.phases import FIRING, IDLE, REBALANCING, RESTORING, TRANSACTION
from tests.chaos.reading import Reader, by_customer, consumed, memberships
from tests.chaos.scene import SESSION, Scene, Struck
from tests.chaos.traffic import Sender, Shop, history
from tests.chaos.truth import Truth, logs, replayed_lines, truth
from tests.chaos.verdict import (
    Stay,
    Verdict,
    check_accounts,
    check_arms,
    check_letters,
    check_once,
    check_positions,
    check_sequences,
    check_watches,
    compare,
    compare_lines,
    fold,
    held,
    remembered,
    states,
    versionless,
)
from tests.chaos.workers import ROOT, Crew

SHIPPED = ROOT / "segments"
"""The rules that are shipped."""
MINUTES = Path(__file__).with_name("rules")


@dataclass(frozen=True, slots=True)
class Plan:
    """How large a run is."""

    seed: int
    partitions: int = 4
    events: int = 15_000
    customers: int = 400
    faults: int = 11
    rate: float = 200.0
    seconds: float = 0.0
    """How long the events of a live run come, at least."""
    away: float = 4.0
    """Seconds for which the broker is away."""
    without: tuple[Fault, ...] = ()
    only: tuple[tuple[Fault, str], ...] | None = None
    """These faults, instead of some by chance."""
    rules: Path = SHIPPED
    """Those of a preloaded run."""
    batch: str = "4"
    """Records in a transaction, at most."""
    patience: float = 120.0
    """Seconds after the last fault in which all must be done."""


@dataclass(slots=True)
class Report:
    """What a run did and found."""

    regime: str
    seed: int
    events: int = 0
    flips: int = 0
    transactions: int = 0
    seconds: float = 0.0
    judged: int = 0
    """Customers of whom the slow truth was asked, too."""
    struck: list[Struck] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    """What became of the records."""
    deployments: list[str] = field(default_factory=list)
    """What partition 0 followed, by id."""
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
            f"{len(self.struck)} faults in {self.seconds:.0f} s, {self.judged} customers by the oracle; lost {verdict['lost']}, doubled {verdict['doubled']}, "
            f"wrong {verdict['wrong']}"
            + "".join(f"\n  {line}" for line in (*self.verdict.notes, *self.problems))
        )


CLOCK, DUE = "segments_partition_clock_timestamp_seconds", "segments_next_due_timestamp_seconds"

DEPLOYMENTS = 3
"""Rule sets that go live amid the faults of a live run: changed rules, a rule that is filled, those of the beginning."""

BRAKE = 0.2
"""Seconds, at most, by which each answer to a transaction is late while a fault strikes: else all would be over."""

PONDERING = 15.0
"""Seconds for the slow truth: more than a hundred customers of the shipped rules, at 0.1 s each."""
LEAST = 10
"""Customers that it is asked of however long that takes: on a machine with other work."""

Say = Callable[[str], None]


def settings(cluster: Cluster, group: str, **more: str) -> dict[str, str]:
    """The settings that all workers of a run share."""
    return {
        "SEGMENTS_BROKERS": cluster.proxied,
        "SEGMENTS_GROUP": group,
        "SEGMENTS_SESSION_TIMEOUT": str(int(SESSION * 1000)),
        **more,
    }


def preloaded(
    cluster: Cluster, folder: Path, plan: Plan, say: Say = print, program: tuple[str, ...] = ()
) -> Report:
    """Everything is in Kafka before the first worker starts; what comes out equals a replay byte for byte."""
    began, group = time.monotonic(), f"preloaded-{plan.seed}"
    report = Report("preloaded", plan.seed)
    cluster.fresh_topics(group, plan.partitions)
    shop = Shop(plan.seed, plan.partitions)
    sent = history(shop, plan.events, plan.customers, others=Logins(plan.seed, plan.partitions).seldom)
    report.events = Sender(cluster.direct).send_all(sent, shop.chance)
    own = {"SEGMENTS_CLOCK": "event", "SEGMENTS_MAX_BATCH": plan.batch, "SEGMENTS_RULES": str(plan.rules)}
    crew = Crew(folder, settings(cluster, group, **own))
    if program:
        crew.program = program
    scene = Scene(cluster, crew, group, random.Random(f"faults {plan.seed}"), plan.away, say=say)
    before = cluster.proxy.journal.transactions
    try:
        scene.at_least(2)
        assert scene.someone().ready(), scene.crew.workers[0].said[-3000:]
        strike_by_progress(scene, plan, report)
        finish(scene, report, plan.patience)
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
    faults = plan_of(scene, plan)
    for number, (fault, wanted) in enumerate(faults):
        share = (number + scene.chance.random()) / (len(faults) + 1) * 0.6
        left = wait_for_progress(scene, int(total * (1 - share)))
        if left == 0:
            report.problems.append(
                f"all was done before fault {number + 1} of {len(faults)}: the run proves nothing"
            )
            return
        scene.cluster.proxy.latency = BRAKE
        fault(scene, wanted)
        scene.cluster.proxy.latency = 0.0


def plan_of(scene: Scene, plan: Plan) -> list[tuple[Fault, str]]:
    """The faults to come."""
    return schedule(scene.chance, plan.faults, plan.without) if plan.only is None else list(plan.only)


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


def finish(scene: Scene, report: Report, seconds: float) -> None:
    """No more faults: everyone may run as fast as can be, until all is done; then all stop gently."""
    scene.cluster.proxy.latency = 0.0
    if not [worker for worker in scene.crew.running if worker.alive]:
        scene.hire()
    scene.crew.start({"SEGMENTS_MAX_BATCH": "5000"})
    deadline = time.monotonic() + seconds
    while (left := scene.reader.behind(scene.group)) > 0 or is_anything_due(scene):
        if time.monotonic() > deadline:
            report.verdict.add(
                "lost", f"{left} records are not done {seconds:.0f} s after the last fault", max(left, 1)
            )
            break
        time.sleep(0.3)
    stop_all(scene, report)


def is_anything_due(scene: Scene) -> bool:
    """Whether flips by time before the clock of a partition have yet to fire; also if a worker doesn't tell."""
    told: dict[str, float] = {}
    for worker in scene.crew.running:
        told |= worker.metrics()
    clocks = {name: value for name, value in told.items() if name.startswith(CLOCK)}
    dues = {name: told.get(name.replace(CLOCK, DUE), float("inf")) for name in clocks}
    partitions = len(scene.reader.ends(("clickstream",)))
    return len(clocks) < partitions or any(dues[name] < clocks[name] for name in clocks)


def stop_all(scene: Scene, report: Report) -> None:
    """Look at every worker's accounts, then stop it gently, which must succeed."""
    for worker in scene.crew.running:
        scene.crew.wait_until_ready(worker, 15)
        check_accounts(report.verdict, worker.metrics(), worker.address)
    for worker in scene.crew.running:
        worker.process.terminate()
    for worker in scene.crew.running:
        code = worker.process.wait(30)
        if code != 0:
            report.verdict.add(
                "wrong", f"a worker that was told to stop ended with {code}: {worker.said[-300:]}"
            )


def judge_preloaded(cluster: Cluster, folder: Path, group: str, plan: Plan, report: Report) -> None:
    """Flips by `segments replay`, and all the rest by the engine in this process."""
    verdict, scene_reader = report.verdict, Reader(cluster.direct)
    actual = by_customer(consumed(cluster.direct, "segment-events"))
    report.flips = sum(map(len, actual.values()))
    said = replayed_lines(cluster.direct, plan.rules, plan.partitions, folder)
    compare_lines(verdict, alone(said), alone(actual))
    rules = load([plan.rules])
    expected = truth(logs(scene_reader, plan.partitions), rules, EngineSettings())
    report.outcomes = expected.outcomes
    judge_outcomes(verdict, scene_reader, expected)
    judge_linked(verdict, scene_reader, expected, {each.id for each in rules.segments if promised(each)})
    if expected.consumed != expected.outcomes.total():
        verdict.add("wrong", f"{expected.consumed} records in the log, outcomes {dict(expected.outcomes)}")
    compare(verdict, "memberships", alone(expected.memberships), alone(memberships(scene_reader)))
    check_letters(verdict, scene_reader, expected)
    ask_the_oracle(report, expected, plan)
    kept, positions = states(scene_reader, group)
    check_positions(verdict, scene_reader, group, positions)
    for number, wanted in expected.states.items():
        came = remembered(alone_in(kept.get(number, {})), rules)
        compare(verdict, f"the state in partition {number}", remembered(alone_in(wanted), rules), came)


def alone(by_name: Mapping[str, Any]) -> dict[str, Any]:
    """What there is of customers who are not linked: it is determined to the byte."""
    return {name: value for name, value in by_name.items() if name not in LINKED}


def alone_in(states: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """The states of a partition without those of linked customers."""
    linked = {each.encode() for each in LINKED}
    return {key: value for key, value in states.items() if key.removesuffix(OLDER) not in linked}


def judge_outcomes(verdict: Verdict, reader: Reader, expected: Truth) -> None:
    """What came of enters into rules with a goal: told once, and of customers who are not linked with every field."""
    came = told(reader)
    check_once(verdict, came)
    found: dict[str, list[dict[str, Any]]] = {}
    for each in came:
        found.setdefault(each["customer_id"], []).append(each | {"emitted_at": 0})
    compare(verdict, "outcomes", alone(expected.told), alone(found))


def told(reader: Reader) -> list[dict[str, Any]]:
    """All segment outcomes, each partition in its order."""
    raws = reader.all("segment-outcomes")
    return [schemas.decode(schemas.SEGMENT_OUTCOME, raw.value or b"") for raw in raws]


def judge_linked(verdict: Verdict, reader: Reader, expected: Truth, sure: Collection[str]) -> None:
    """Customers who log in: their flips are one order, and at the end they are in the segments of one life.

    `sure`: the rules of which that does not depend on the order of arrival.
    """
    flips = [schemas.decode(schemas.SEGMENT_EVENT, raw.value or b"") for raw in reader.all("segment-events")]
    theirs = [each for each in flips if each["customer_id"] in LINKED]
    check_sequences(verdict, theirs, ())
    inside, kept = fold(theirs), held(reader.all("segment-memberships"))
    compare(verdict, "memberships", inside, {name: kept[name] for name in LINKED if name in kept})
    lived = fold(each for name in LINKED for each in expected.events.get(name, ()))
    compare(verdict, "segments", names(lived, sure), names(inside, sure), "lost")


def ask_the_oracle(report: Report, expected: Truth, plan: Plan) -> None:
    """What the replay says, which is what came out, is what the slow truth says of as many customers as it has time for."""
    refused = {(key or b"").decode(errors="replace") for _, key, _ in expected.letters.values()}
    sampled = expected.lives.sample(plan.seed, refused | {*LINKED})
    rules, began = load([plan.rules]).segments, time.monotonic()
    for name in sampled:
        if time.monotonic() - began > PONDERING and report.judged >= LEAST:
            break
        report.judged += 1
        for line in differences(expected.lives, [name], rules, expected.events):
            report.verdict.add("wrong", line)


def live(
    cluster: Cluster, folder: Path, plan: Plan, say: Say = print, program: tuple[str, ...] = ()
) -> Report:
    """Events come at a rate while faults strike; what comes out is one valid order, and ends as a replay does."""
    began, group = time.monotonic(), f"live-{plan.seed}"
    report = Report("live", plan.seed)
    cluster.fresh_topics(group, plan.partitions)
    own = {"SEGMENTS_GRACE": str(GRACE), "SEGMENTS_RULES": str(MINUTES), "SEGMENTS_MAX_BATCH": plan.batch}
    crew = Crew(folder, settings(cluster, group, **own))
    if program:
        crew.program = program
    scene = Scene(cluster, crew, group, random.Random(f"faults {plan.seed}"), plan.away, say=say)
    traffic = Traffic(cluster.direct, Shop(plan.seed, plan.partitions), plan.rate)
    before = cluster.proxy.journal.transactions
    traffic.start()
    try:
        scene.at_least(2)
        assert scene.someone().ready(), scene.crew.workers[0].said[-3000:]
        strike_at_times(scene, traffic, plan, Deployer(cluster.direct, group, MINUTES, folder))
        report.events = traffic.stop()
        finish(scene, report, plan.patience)
        settle(scene, report)
    finally:
        traffic.stop()
        cluster.proxy.latency, cluster.proxy.trap = 0.0, None
        crew.end()
    report.struck, report.transactions = scene.struck, cluster.proxy.journal.transactions - before
    judge_live(cluster, group, plan, report)
    report.seconds = time.monotonic() - began
    return report


def strike_at_times(scene: Scene, traffic: Traffic, plan: Plan, deployer: Deployer) -> None:
    """One fault after the other, some of them while a burst of flips by time is due.

    Before three of them other rules are deployed, which the fault meets on their way into the partitions.
    """
    began, faults = time.monotonic(), plan_of(scene, plan)
    deploying = {len(faults) * turn // (DEPLOYMENTS + 1) for turn in range(1, DEPLOYMENTS + 1)}
    for number, (fault, wanted) in enumerate(faults):
        wait_until(began + plan.seconds * number / len(faults))
        scene.at_least(1)
        time.sleep(scene.chance.uniform(0.2, 1.5))
        if scene.chance.random() < 0.6 or wanted == IDLE:
            due = traffic.burst(3.0)
            if wanted in (TRANSACTION, IDLE):
                time.sleep(max(0.0, due + GRACE / 1000 + scene.chance.uniform(0.02, 0.5) - time.time()))
        if number in deploying:
            scene.say(f"        deployed: {deployer.next()}")
        fault(scene, wanted)
    wait_until(began + plan.seconds)


def wait_until(instant: float) -> None:
    """Sleep until an instant of the monotonic clock, in seconds; not at all if it is over."""
    time.sleep(max(0.0, instant - time.monotonic()))


def settle(scene: Scene, report: Report) -> None:
    """Let what was due before the committed clocks fire: a worker that reads no clock, until it has nothing to do."""
    closing = scene.crew.start({"SEGMENTS_CLOCK": "event", "SEGMENTS_MAX_BATCH": "5000"})
    if not scene.crew.wait_until_ready(closing):
        report.verdict.add("wrong", f"the last worker never became ready: {closing.said[-300:]}")
    deadline = time.monotonic() + 60
    while is_anything_due(scene) and time.monotonic() < deadline:
        time.sleep(0.3)
    stop_all(scene, report)


def judge_live(cluster: Cluster, group: str, plan: Plan, report: Report) -> None:
    """Sequences, turns, memberships, dead letters, positions; and at the same clocks the segments of a replay."""
    verdict, reader = report.verdict, Reader(cluster.direct)
    events = [schemas.decode(schemas.SEGMENT_EVENT, raw.value or b"") for raw in reader.all("segment-events")]
    report.flips = len(events)
    found = logs(reader, plan.partitions)
    erased = {
        each.key.decode()
        for log in found.values()
        for each in log["profiles"]
        if each.event is None and each.key
    }
    check_sequences(verdict, events, erased)
    inside = fold(events)
    outcomes = told(reader)
    check_once(verdict, outcomes)
    check_arms(verdict, [each for each in (*events, *outcomes) if each["customer_id"] not in LINKED])
    kept = held(reader.all("segment-memberships"))
    compare(verdict, "memberships", versionless(inside), versionless(kept))
    _, positions = states(reader, group)
    check_positions(verdict, reader, group, positions)
    clocks = {number: position.clock - 1 for number, position in positions.items()}
    rules = load([MINUTES])
    windows = {each.id: each.aim.window for each in rules.segments if each.aim.goal is not None}
    ends = {
        who: positions[partition_of(who.encode(), plan.partitions)].clock
        for who in {each["customer_id"] for each in events}
        if who[0] in "cb"
    }
    check_watches(verdict, events, outcomes, windows, ends)
    deployed = followed(reader, group, plan.partitions)
    report.deployments = [each.deployment_id for each in deployed[0]]
    expected = truth(found, rules, SETTINGS, clocks, deployed)
    report.outcomes = expected.outcomes
    check_letters(verdict, reader, expected)
    wanted = fold(event for each in expected.events.values() for event in each)
    compare(verdict, "segments", names(wanted), names(inside), "lost")
    find_firing(report, events)


def names(inside: dict[str, set[Stay]], among: Collection[str] | None = None) -> dict[str, list[str]]:
    """The segments, among these, of customers to whom the conditions of *Late* apply; linked ones are among them."""
    found = {
        who: sorted(f"{stay[0]} {stay[1] or ''}" for stay in stays if among is None or stay[0] in among)
        for who, stays in inside.items()
        if who[0] in "cb" or who in LINKED
    }
    return {who: stays for who, stays in found.items() if stays}


def find_firing(report: Report, events: list[dict[str, Any]]) -> None:
    """Faults that struck while flips by time were being published: some just before, many due and not yet."""
    timers = [
        (each["occurred_at"] + GRACE, each["emitted_at"]) for each in events if each["reason"] == "timer"
    ]
    for struck in report.struck:
        at = struck.at * 1000
        waiting = sum(1 for due, emitted in timers if due <= at < emitted)
        if (
            struck.phase in (IDLE, TRANSACTION)
            and waiting >= 20
            and any(at - 300 < each <= at for _, each in timers)
        ):
            struck.phase = FIRING


EXPECTED = {
    "preloaded": {TRANSACTION, RESTORING, REBALANCING},
    "live": {IDLE, TRANSACTION, RESTORING, REBALANCING, FIRING},
}
"""The phases that the faults of several runs of a regime must have hit, all together."""
