"""How fast one worker is with the twelve rules, Kafka to Kafka, all guarantees on; and where its time goes."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, NamedTuple

import schemas
from segments.engine import INPUTS, EngineSettings, Record, RuleSet, load
from segments.insight.replay import Replay
from streams.telemetry.metrics import STAGES
from streams.worker.decode import decode
from tests.benchmarks import outputs
from tests.benchmarks.load import Load, rules_touched
from tests.benchmarks.rig import Site, load_average
from tests.benchmarks.running import TWELVE, RunningWorker, by_label, total
from tests.benchmarks.sizes import Plan
from tests.benchmarks.watch import Pace, summary

OUTPUTS = ("segment-events", "segment-memberships")
GIVE_UP = 900.0
"""Seconds for one run."""


class Raw(NamedTuple):
    """A record as the worker's consumer would give it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Run:
    """One worker that worked off the log."""

    pace: Pace
    stages: dict[str, float]
    """Seconds of the event loop for a million events."""
    flips: float
    state: float
    """Bytes of the states of all customers, and how many there are."""
    entries: float
    traffic: dict[str, float]
    """Bytes for an event in the changelog and on the output topics."""


@dataclass(slots=True)
class Measurements:
    """What was measured so far, by store and partition count; and what was wrong with the output."""

    runs: dict[tuple[str, int], list[Run]] = field(default_factory=dict)
    wrong: dict[tuple[str, int], str] = field(default_factory=dict)


def measure(plan: Plan) -> dict[str, Any]:
    """Each store and partition count, in interleaved rounds; when told to stop, what was measured until then."""
    sizes, rules = plan.sizes, load([TWELVE])
    sites = {count: Site(plan.folder / f"partitions-{count}", count) for count in sizes.partitions}
    found = Measurements()
    before = load_average()
    try:
        _rounds(plan, sites, rules, found)
    except (KeyboardInterrupt, SystemExit):
        if not found.runs:
            raise
        print("stopped: what was measured is kept", flush=True)
    return {
        "rows": [_row(*each, runs) | {"wrong": found.wrong[each]} for each, runs in found.runs.items()],
        "load": [before, load_average()],
        "events": sizes.events,
        "customers": sizes.customers,
        "input": _input_bytes(sites),
        "touched": round(rules_touched(rules), 3),
    }


def _rounds(plan: Plan, sites: Mapping[int, Site], rules: RuleSet, found: Measurements) -> None:
    sizes, until = plan.sizes, int(time.time() * 1000) - 60_000
    load_ = Load(sizes.events, sizes.customers, seed=sizes.seed)
    expected: dict[int, set[str]] = {}
    for number in range(sizes.rounds):
        for count, site in sites.items():
            with site:
                if not site.produced:
                    site.produce(load_.records(until))
                for store in sizes.stores:
                    run, ids = _run(plan, site, f"{store}-{number}", STORE=store)
                    if count not in expected:
                        expected[count] = replayed(site, rules)
                    wrong = difference(ids, expected[count])
                    found.wrong[store, count] = found.wrong.get((store, count)) or wrong
                    found.runs.setdefault((store, count), []).append(run)
                    print(f"  {store}, {count} partitions: {run.pace.rate:,.0f} events/s", flush=True)


def _input_bytes(sites: Mapping[int, Site]) -> dict[int, int]:
    return {
        count: site.on_disk("clickstream") + site.on_disk("transactions") for count, site in sites.items()
    }


def _row(store: str, count: int, runs: list[Run]) -> dict[str, Any]:
    stages = {stage: round(median(run.stages[stage] for run in runs), 2) for stage in STAGES}
    return {
        "store": store,
        "partitions": count,
        **summary([run.pace for run in runs]),
        "stages": stages,
        "flips": round(runs[0].flips / runs[0].pace.done, 4),
        "state": round(runs[0].state),
        "entries": round(runs[0].entries),
        "traffic": {topic: round(size) for topic, size in runs[0].traffic.items()},
    }


def _run(plan: Plan, site: Site, group: str, **settings: str) -> tuple[Run, list[str]]:
    begin = outputs.ends(site, "segment-events")
    before = {topic: site.on_disk(topic) for topic in OUTPUTS}
    folder = plan.folder / f"{site.partitions}-{group}"
    with (
        RunningWorker(site, group, folder, CLOCK="event", **settings) as worker,
        site.inputs(group) as reached,
    ):
        found = worker.pace(reached, site.produced, GIVE_UP)
        outputs.wait_until_quiet(site, "segment-events")
        metrics = worker.metrics()
    stages = stages_of(metrics, found.done)
    written = {topic: site.on_disk(topic) - before[topic] for topic in OUTPUTS}
    written["changelog"] = site.on_disk(f"{group}-customers-changelog")
    run = Run(
        found,
        stages,
        total(metrics, "segments_flips_total"),
        total(metrics, "segments_state_bytes"),
        total(metrics, "segments_state_entries"),
        {topic: size / found.done for topic, size in written.items()},
    )
    return run, flip_ids(site, begin)


def stages_of(metrics: Mapping[tuple[str, str], float], events: int) -> dict[str, float]:
    """Seconds of the event loop for a million events, by stage."""
    spent = by_label(metrics, "segments_stage_seconds_total", "stage")
    return {stage: seconds / events * 1e6 for stage, seconds in spent.items()}


def flip_ids(site: Site, begin: outputs.Offsets) -> list[str]:
    """The ids of the segment events that were committed since."""
    decoded = schemas.decode
    return [
        decoded(schemas.SEGMENT_EVENT, message.value())["event_id"]
        for message in outputs.committed(site, "segment-events", begin)
    ]


def difference(came: list[str], expected: set[str]) -> str:
    """What is wrong with the flips, nothing if they are as they must be.

    An id is a function of customer, segment, version, transition, sequence and instant.
    """
    missing, others = len(expected - set(came)), len(set(came) - expected)
    twice = len(came) - len(set(came))
    return f"{missing} missing, {twice} twice, {others} others" if missing or twice or others else ""


def replayed(site: Site, rules: RuleSet) -> set[str]:
    """The ids of the flips that this log must give, by the engine without Kafka."""
    found: set[str] = set()
    logs = _logs(site)
    for number in range(site.partitions):
        replay = Replay(number, site.partitions, logs.pop(number), rules, EngineSettings())
        for effects in replay.run():
            found.update(event["event_id"] for _, event in effects.segment_events)
    return found


def _logs(site: Site) -> dict[int, dict[str, list[Record]]]:
    logs: dict[int, dict[str, list[Record]]] = {number: {} for number in range(site.partitions)}
    for topic in INPUTS:
        for number, raw in _raw(site, topic):
            logs[number].setdefault(topic, []).extend(decode(topic, [raw]))
    return logs


def _raw(site: Site, topic: str) -> Iterator[tuple[int, Raw]]:
    for message in outputs.committed(site, topic, {}):
        yield (
            message.partition(),
            Raw(message.offset(), message.timestamp()[1], message.key(), message.value()),
        )
