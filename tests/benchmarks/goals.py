"""The goals, each with what was measured and whether it is met; nothing is rounded in our favour."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]
NOT_MEASURED = "not measured"
MILLION = 1_000_000
BASE_RATE, HIGH_RATE = 10_000, 100_000
"""Events a second at which the goals of latency are set."""
DEPLOYED_CUSTOMERS, BACKFILLED, LIVE_RATE = 100_000, 2_000_000, 5_000
"""Customers, events of history, and live events a second at which the goals of a deployment are set."""
SENDER_LATE = 20.0
"""Milliseconds by which a sender may be late: half of the strictest bound of a p99."""
QUIET = 2.0
"""The load average of two cores at work for somebody else."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: in words, the part of the benchmark that measures it, and how it is judged."""

    words: str
    part: str
    judge: Callable[[Results], tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A goal, what was measured, and the verdict."""

    words: str
    measured: str
    verdict: str


def judged(results: Results) -> list[Judged]:
    """Each goal, judged by what there is."""
    return [_judged(goal, results) for goal in GOALS]


def _judged(goal: Goal, results: Results) -> Judged:
    if goal.part not in results:
        return Judged(goal.words, NOT_MEASURED, NOT_MEASURED)
    try:
        measured, met = goal.judge(results[goal.part])
    except StopIteration:
        return Judged(goal.words, NOT_MEASURED, NOT_MEASURED)
    except (KeyError, TypeError):
        return Judged(goal.words, "could not be measured", "**not met**")
    if noisy(results[goal.part]):
        measured += "; on a busy machine"
    return Judged(goal.words, measured, "met" if met else "**not met**")


def noisy(part: Results) -> bool:
    """Whether the machine was at work for somebody else before or while the part was measured."""
    return bool(part["load"][0] > QUIET)


def _rate(store: str, wanted: int) -> Callable[[Results], tuple[str, bool]]:
    """Met if it is with every number of partitions."""

    def judge(part: Results) -> tuple[str, bool]:
        rows = [row for row in part["rows"] if row["store"] == store]
        said = ", ".join(f"{row['rate']:,} with {row['partitions']}" for row in rows)
        spent = min(row["cpu"] for row in rows)
        told = (
            f"{said} partitions; {spent} CPU s a million, so {1e6 / spent:,.0f} of a core to itself at most"
        )
        return told, bool(rows) and min(row["rate"] for row in rows) >= wanted

    return judge


def _cost(wanted: float) -> Callable[[Results], tuple[str, bool]]:
    def judge(part: Results) -> tuple[str, bool]:
        spent = {f"{row['store']}, {row['partitions']}": row["cpu"] for row in part["rows"]}
        told = "; ".join(f"{cpu} ({run})" for run, cpu in spent.items())
        return told, max(spent.values()) <= wanted

    return judge


def _counter(wanted: int) -> Callable[[Results], tuple[str, bool]]:
    def judge(part: Results) -> tuple[str, bool]:
        row = next(row for row in part["rows"] if row["engine"] == "segments" and "rate" in row)
        told = f"{row['rate']:,}; {row['cpu']} CPU s a million, so {1e6 / row['cpu']:,.0f} of a core to itself at most"
        return told, row["rate"] >= wanted

    return judge


def _ahead_of(engine: str, times: float) -> Callable[[Results], tuple[str, bool]]:
    def judge(part: Results) -> tuple[str, bool]:
        rows = {row["engine"]: row for row in part["rows"] if "rate" in row}
        ours, other = rows["segments"], rows[engine]
        ratio, by_cpu = ours["rate"] / other["rate"], other["cpu"] / ours["cpu"]
        told = f"{ratio:.1f} times ({ours['rate']:,} to {other['rate']:,}); {by_cpu:.1f} times by CPU seconds"
        return told, ratio >= times

    return judge


def _latency(part: Results) -> tuple[str, bool]:
    row = next(row for row in part["rows"] if row["rate"] == BASE_RATE)
    return _told_latency(row), _in_time(row) and row["p50"] <= 12 and row["p99"] <= 40


def _latency_under_load(part: Results) -> tuple[str, bool]:
    row = next(row for row in part["rows"] if row["rate"] == HIGH_RATE)
    return _told_latency(row), _in_time(row) and row["p99"] <= 250


def _told_latency(row: Results) -> str:
    return f"p50 {row['p50']} ms, p99 {row['p99']} ms; the sender was late by {row['sender']} ms at worst"


def _in_time(row: Results) -> bool:
    """Whether the sender kept to its times: a late sender makes the worker look late, or idle."""
    return bool(row["sender"] <= SENDER_LATE)


def _lateness(part: Results) -> tuple[str, bool]:
    late, grace = part["spread"]["lateness"]["p99"], part["spread"]["with_grace"]["p99"]
    return f"{late:,.0f} ms beyond the grace; {grace:,.0f} ms with it", late < 250


def _burst(part: Results) -> tuple[str, bool]:
    burst = part["burst"]
    seconds, count = burst["drained"], burst["flips"]
    for_a_million = seconds * MILLION / count
    live = burst["live"]["p99"]
    told = f"{count:,} in {seconds:,.1f} s, live p99 {live:,.0f} ms"
    if count < MILLION:
        told += f"; a million would take {for_a_million:,.0f} s (arithmetic)"
    return told, for_a_million <= 10 and live < 500 and count == burst["expected"]


def _recovery(part: Results) -> tuple[str, bool]:
    told = f"{part['customers']:,} customers in {part['first']} s, {part['changelog']:,} offsets of changelog"
    if part["customers"] >= MILLION:
        return told, bool(part["first"] <= 6)
    estimate = part["first"] * MILLION / part["customers"]
    return f"{told}; a million would take up to {estimate:,.0f} s (arithmetic)", estimate <= 6


def _memory(part: Results) -> tuple[str, bool]:
    worst = max(part["working"], part["restored"])
    told = (
        f"{part['working']:,} bytes at work, {part['restored']:,} after a restart, {part['state']:,} encoded"
    )
    return f"{told} ({part['customers']:,} customers)", worst <= 1000


def _disk(part: Results) -> tuple[str, bool]:
    return f"{part['disk']:,} bytes", part["disk"] <= 450


def _rule_cost(part: Results) -> tuple[str, bool]:
    row = next(row for row in part["rows"] if row["rules"] == 100)
    shared = f"{row['shared']:.0%} of its measures are shared"
    return f"{row['times']} times the CPU of 12 ({row['rate']:,} events/s); {shared}", row["times"] <= 4


def _start(part: Results) -> tuple[str, bool]:
    row = next(row for row in part["rows"] if row["rules"] == 1000)
    few = next(row for row in part["rows"] if row["rules"] == 12)
    return f"{row['start']} s from process start to serving ({few['start']} s with 12)", row["start"] <= 3


def _added(part: Results) -> tuple[str, bool]:
    row = part["added"]
    told = f"{row['flips']:,} customers entered it, the last of them {row['seconds']} s after the command was called"
    in_full = part["customers"] >= DEPLOYED_CUSTOMERS
    return f"{told} ({part['customers']:,} customers)", in_full and whole(row) and row["seconds"] <= 2


def _live_meanwhile(part: Results) -> tuple[str, bool]:
    row = part["added"]
    return _told_live(part, row), _live_in_time(part, row)


def _filled(part: Results) -> tuple[str, bool]:
    row = part["filled"]
    told = f"{part['events']:,} events in {row['seconds']} s; {_told_live(part, row)}"
    in_full = part["events"] >= BACKFILLED
    return told, in_full and whole(row) and row["seconds"] < 60 and _live_in_time(part, row)


def whole(row: Results) -> bool:
    """Whether somebody entered at the change, and all who did were received."""
    return bool(row["flips"] == row["told"] > 0)


def _told_live(part: Results, row: Results) -> str:
    late = f"the sender was late by {row['sender']} ms at worst"
    return f"live p99 {row['live']['p99']} ms at {part['rate']:,} events/s, before it {row['before']['p99']}; {late}"


def _live_in_time(part: Results, row: Results) -> bool:
    return bool(part["rate"] >= LIVE_RATE and _in_time(row) and row["live"]["p99"] < 250)


GOALS: Sequence[Goal] = (
    Goal("twelve rules, one core, in memory: 250,000 events/s", "throughput", _rate("memory", 250_000)),
    Goal("the same with RocksDB: 150,000 events/s", "throughput", _rate("rocksdb", 150_000)),
    Goal("twelve rules: at most 3.5 CPU s a million events", "throughput", _cost(3.5)),
    Goal("twelve rules, a million customers, in memory: 250,000", "million", _rate("memory", 250_000)),
    Goal("the same with RocksDB: 150,000", "million", _rate("rocksdb", 150_000)),
    Goal("one-counter rule: 400,000 events/s", "peers", _counter(400_000)),
    Goal("one-counter rule: 5 times Bytewax with recovery", "peers", _ahead_of("bytewax", 5)),
    Goal("one-counter rule: 8 times Quix Streams, exactly once", "peers", _ahead_of("quix", 8)),
    Goal("one-counter rule: 100 times stock Faust with a table", "peers", _ahead_of("faust", 100)),
    Goal("one-counter rule: ahead of Flink with RocksDB, per core", "peers", _ahead_of("flink-1", 1)),
    Goal("latency at 10,000 events/s: p50 at most 12 ms, p99 at most 40 ms", "latency", _latency),
    Goal("latency at 100,000 events/s: p99 at most 250 ms", "latency", _latency_under_load),
    Goal("flips by time: p99 lateness under 250 ms", "timers", _lateness),
    Goal("a million due in one second: drained in 10 s, live p99 under 500 ms", "timers", _burst),
    Goal("recovery of a million customers within 6 s", "recovery", _recovery),
    Goal("at most 1,000 bytes of memory a customer", "memory", _memory),
    Goal("at most 450 bytes of disk a customer", "memory", _disk),
    Goal("100 rules cost at most four times 12", "rules", _rule_cost),
    Goal("1,000 rules start within 3 s", "rules", _start),
    Goal("a rule added to two workers with 100,000 customers: in effect within 2 s", "deploy", _added),
    Goal("live events meanwhile, 5,000/s: p99 under 250 ms", "deploy", _live_meanwhile),
    Goal("a backfill of 2 million events beside them: under 60 s, live p99 under 250 ms", "deploy", _filled),
)
