"""The figures as Markdown and charts: all of them in the folder of results, the gist of them for the README."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from streams.telemetry.metrics import STAGES
from tests.benchmarks.charts import Bar, chart
from tests.benchmarks.environments import FLINK_VERSION, PINS
from tests.benchmarks.goals import judged, noisy
from tests.benchmarks.results import read

Results = Mapping[str, Any]
SUMMARY = "summary.md"
NAMES = {
    "segments": "this worker",
    "faust": "Faust with a table",
    "quix": "Quix Streams",
    "bytewax": "Bytewax with recovery",
    "flink-1": "Flink, one slot",
    "flink-2": "Flink, two slots",
    "bare": "bare fetch and decode",
}


def write(folder: Path) -> None:
    """Make tables and charts anew from what is in the folder."""
    found = read(folder)
    (folder / "README.md").write_text("\n".join(_page(found)) + "\n")
    (folder / SUMMARY).write_text("\n".join(_summary(found)) + "\n")
    for name, text in _charts(found):
        (folder / f"{name}.svg").write_text(text)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown; all columns but the first to the right if they begin with a figure."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _summary(found: Results) -> Iterator[str]:
    """What the README shows."""
    rows = [(each.words, each.measured, each.verdict) for each in judged(found)]
    yield table(("goal", "measured", ""), rows)
    if "peers" in found:
        yield ""
        yield _peers_table(found["peers"])
    yield ""
    yield from _circumstances_in_short(found)


def _circumstances_in_short(found: Results) -> Iterator[str]:
    for given in [part["circumstances"] for part in found.values()][:1]:
        yield f"Machine: {given['machine']}; one core for the worker, the other for the broker and all else."
    busy = [name for name, part in found.items() if noisy(part)]
    if busy:
        yield (
            f"**The machine had other work** while this was measured: {', '.join(busy)}. Rates are too low then and times too "
            "long; the load average stands with each in the results. CPU seconds suffer less."
        )


def _page(found: Results) -> Iterator[str]:
    yield "# Results\n"
    yield "Written by `make bench`; the figures themselves are in [results.json](results.json).\n"
    yield from _summary(found)
    for name, part in found.items():
        yield f"\n## {TITLES[name]}\n"
        yield from TOLD[name](part)
        yield ""
        yield from _circumstances(part)


def _circumstances(part: Results) -> Iterator[str]:
    given = part["circumstances"]
    before, after = part["load"]
    yield f"    {given['command']}\n"
    loud = " **The machine had other work then.**" if noisy(part) else ""
    yield f"{given['at']}, commit {given['commit']}; load average {before} before, {after} after.{loud}"
    if "remark" in given:
        yield given["remark"]
    versions = ", ".join(f"{name} {version}" for name, version in given["versions"].items())
    yield f"{given['machine']}; {versions}."


def _throughput(part: Results) -> Iterator[str]:
    yield (
        f"{part['events']:,} records of {part['customers']:,} customers, {part['touched']:.0%} of them of a kind "
        "that three rules or more look at. Rate: committed offsets over wall time between 20 % and 90 % of the log; "
        "median and range of the interleaved rounds. CPU seconds are for a million events. The flips of each run were "
        "compared with those of the engine without Kafka, by their ids. Flips by time of customers of whom nothing comes wait while "
        "there is a backlog, so part of them is worked off after the time that is measured.\n"
    )
    head = (
        "store",
        "partitions",
        "rounds",
        "events/s",
        "range",
        "CPU s",
        "broker's CPU s",
        "flips per event",
        "states",
        "of bytes",
        "flips",
    )
    rows = [
        (
            row["store"], row["partitions"], row["rounds"], _rate(row), _range(row), row["cpu"], row["broker"],
            row["flips"], f"{row['entries']:,}", f"{row['state'] / 1e6:,.0f} MB",
            row["wrong"] or "right",
        )
        for row in part["rows"]
    ]  # fmt: skip
    yield table(head, rows)
    yield (
        "\nRocksDB has a block cache of 16 MiB for all partitions together, and write buffers of 32 MiB for each; beside "
        "them the worker keeps up to 8,000 customers decoded.\n"
    )
    traffic = part["rows"][0]["traffic"]
    size = next(iter(part["input"].values())) / part["events"]
    told = ", ".join(f"{each} {topic}" for topic, each in traffic.items())
    yield f"Bytes at the broker for an event: {size:,.0f} input, {told}; uncompressed, before compaction, one replica.\n"
    yield "Where a worker's time goes, seconds of its event loop for a million events:\n"
    yield table(
        ("store", "partitions", *STAGES),
        [
            (row["store"], row["partitions"], *(row["stages"][each] for each in STAGES))
            for row in part["rows"]
        ],
    )
    yield (
        "\n`offer`: runs into the merge. `advance`: merge, admission, evaluation, flips. `confirm` and `commit`: "
        "mostly waiting for the broker, which other partitions use. `changelog`: states as bytes, into the transaction and the store."
    )


def _throughput_drawn(part: Results) -> Iterator[str]:
    yield from _throughput(part)
    yield "\n![throughput](throughput.svg)\n\n![stages](stages.svg)"


def _rate(row: Results) -> str:
    """The rate, with what must be known about it."""
    cut = "" if row["finished"] else f" (cut off after {row['done']:,} events)"
    coarse = " (few commits: its start is in it)" if row["coarse"] else ""
    return f"{row['rate']:,}{cut}{coarse}"


def _range(row: Results) -> str:
    return f"{row['lowest']:,} to {row['highest']:,}"


def _peers(part: Results) -> Iterator[str]:
    yield (
        f"{part['events']:,} clicks of {part['customers']:,} customers in 4 partitions. Each engine decodes the click, "
        "counts for its customer and puts out the third event, each customer once; the output was checked. All on one "
        "core but where it says otherwise. The others keep a number, ours keeps the window, recognises duplicates, orders "
        "three topics and gives reasons. Bytewax and the bare loop commit nothing to Kafka: theirs is the rate at which they take records.\n"
    )
    yield _peers_table(part)
    pins = [f"{name}: {', '.join(each)}" for name, each in PINS.items()]
    yield f"\nVersions: {'; '.join(pins)}; Flink {FLINK_VERSION}."
    yield "What the others can't do by time is as their documentation and source say; it was not run."
    yield "\n![peers](peers.svg)"


def _peers_table(part: Results) -> str:
    head = (
        "one-counter rule",
        "events/s",
        "range",
        "CPU s per million",
        "guarantee",
        "a flip by time after a restart",
    )
    return table(head, [_peer(row) for row in part["rows"]])


def _peer(row: Results) -> tuple[str, ...]:
    name = NAMES[row["engine"]]
    if "rate" not in row:
        return name, row["note"].replace("\n", " ")[:120], "", "", row["guarantee"], row["timers"]
    return name, _rate(row), _range(row), f"{row['cpu']}", row["guarantee"], row["timers"]


def _latency(part: Results) -> Iterator[str]:
    yield (
        "From the instant at which an event was meant to be sent to the receipt of its flip by a read-committed consumer, "
        "open loop, twelve rules, 4 partitions, default settings; the first quarter left out. *busy*: the worker's share of its core.\n"
    )
    head = ("events/s", "flips", "p50 ms", "p99 ms", "highest ms", "busy", "sender late at worst, ms")
    keys = ("flips", "p50", "p99", "highest", "busy", "sender")
    yield table(head, [(f"{row['rate']:,}", *(row[key] for key in keys)) for row in part["rows"]])
    yield "\n![latency](latency.svg)"


def _timers(part: Results) -> Iterator[str]:
    yield (
        "A rule `idle >= hours(1)`, and beside it "
        f"{part['live']} events a second that flip at once. Lateness: from the exact instant of the flip to its receipt by a "
        "read-committed consumer; a flip can't be noticed before the grace of two seconds is over, so it is told without and with it. "
        "*live*: intended send to receipt of the other events' flips, while the burst is drained.\n"
    )
    head = (
        "due",
        "flips",
        "late p50 ms",
        "p99 ms",
        "p99 with grace ms",
        "drained s",
        "live p50 ms",
        "live p99 ms",
    )
    rows = [
        (
            words, f"{row['flips']:,} of {row['expected']:,}", row["lateness"]["p50"], row["lateness"]["p99"],
            row["with_grace"]["p99"], row["drained"], row["live"]["p50"], row["live"]["p99"],
        )
        for words, row in (("over ten seconds", part["spread"]), ("in one second", part["burst"]))
    ]  # fmt: skip
    yield table(head, rows)


def _recovery(part: Results) -> Iterator[str]:
    yield (
        f"{part['customers']:,} customers with {part['changelog'] / part['customers']:.1f} changelog records each "
        f"({part['changelog']:,} offsets in 4 partitions), nothing on disk: first applied record {part['first']} s after the start of the process, "
        f"all partitions served after {part['ready']} s."
    )


def _memory(part: Results) -> Iterator[str]:
    yield (
        f"{part['customers']:,} customers after {part['events']} events each within 20 hours, twelve rules, ids of the "
        f"last 24 hours included; an empty worker occupies {part['empty'] / 1e6:,.0f} MB.\n"
    )
    rows = [
        ("encoded state", part["state"]),
        ("resident, right after the events", part["working"]),
        ("resident, after a restart", part["restored"]),
        ("on disk (RocksDB, restored and closed)", part["disk"]),
    ]
    yield table(("a customer", "bytes"), [(name, f"{value:,}") for name, value in rows])


def _rules(part: Results) -> Iterator[str]:
    yield (
        f"{part['events']:,} records of the standard load, 4 partitions, in memory. Seeded rules with distinct windows, fields and bounds; "
        "*shared*: the share of conditions whose measure another one reads, too. *start*: process start to serving, topics empty.\n"
    )
    head = (
        "rules",
        "conditions",
        "streams",
        "shared",
        "events/s",
        "range",
        "CPU s per million",
        "times 12",
        "start s",
    )
    rows = [
        (
            row["rules"], row["conditions"], row["streams"], f"{row['shared']:.0%}",
            *((_rate(row), _range(row), row["cpu"], row["times"]) if "rate" in row else (row["note"], "", "", "")),
            row["start"],
        )
        for row in part["rows"]
    ]  # fmt: skip
    yield table(head, rows)
    yield "\n![rules](rules.svg)"


def _console(part: Results) -> Iterator[str]:
    yield (
        f"{part['segments']:,} segments, {part['customers']:,} customers in four of them each, one of which everybody is in: "
        f"{part['read']:,} membership records a second are read, beginning again from the file takes {part['again']} s. "
        f"A thousand flips a second take {part['flips']} ms of each second; an update has at most {part['largest']:,} bytes. "
        f"{part['memory'] / 1e6:,.0f} MB in memory, {part['disk'] / 1e6:,.0f} MB on disk.\n"
    )
    head = ("page", "ms", "at worst", "ms amid a thousand flips a second", "at worst")
    yield table(head, [(row["page"], *row["quiet"], *row["busy"]) for row in part["pages"]])


def _deploy(part: Results) -> Iterator[str]:
    yield (
        f"Two workers on both cores, twelve rules and one for the live events, {part['customers']:,} customers with a log of "
        f"{part['events']:,} events in 4 partitions, and {part['rate']:,} live events a second. *in effect*: from the start of "
        "`segments deploy` to the receipt of the last enter of the take-over by a read-committed consumer; *command*: to its end. "
        "*live*: intended send to receipt of the flips of live events between these; *before*: of those before the command.\n"
    )
    head = (
        "a rule",
        "in effect s",
        "command s",
        "entered",
        "live p50 ms",
        "p99 ms",
        "highest ms",
        "before p99 ms",
        "sender late ms",
    )
    yield table(
        head,
        [
            (
                words, row["seconds"], row["command"], f"{row['flips']:,}", row["live"]["p50"], row["live"]["p99"],
                row["live"]["highest"], row["before"]["p99"], row["sender"],
            )
            for words, row in (("that is added", part["added"]), ("with `--backfill`", part["filled"]))
        ],
    )  # fmt: skip


TITLES = {
    "throughput": "Throughput, twelve rules",
    "million": "Throughput, a million customers",
    "peers": "Beside others: the one-counter rule",
    "latency": "Latency",
    "timers": "Flips by time",
    "recovery": "Recovery",
    "memory": "Memory and disk",
    "rules": "Many rules",
    "console": "The console",
    "deploy": "Rule sets go live",
}
TOLD: dict[str, Callable[[Results], Iterator[str]]] = {
    "throughput": _throughput_drawn,
    "million": _throughput,
    "peers": _peers,
    "latency": _latency,
    "timers": _timers,
    "recovery": _recovery,
    "memory": _memory,
    "rules": _rules,
    "console": _console,
    "deploy": _deploy,
}


def _charts(found: Results) -> Iterator[tuple[str, str]]:
    if "throughput" in found:
        rows = found["throughput"]["rows"]
        named = [(f"{row['store']}, {row['partitions']} partitions", row) for row in rows]
        yield "throughput", chart("Twelve rules, one core: events/s", [_rated(*each) for each in named])
        bars = [
            Bar(name, tuple(row["stages"][each] for each in STAGES), f"{sum(row['stages'].values()):.1f} s")
            for name, row in named
        ]
        yield "stages", chart("Seconds of the event loop for a million events", bars, STAGES)
    if "peers" in found:
        rows = [row for row in found["peers"]["rows"] if "rate" in row]
        bars = [_rated(NAMES[row["engine"]], row, ours=row["engine"] == "segments") for row in rows]
        yield "peers", chart("One-counter rule, one core: events/s", bars)
    if "latency" in found:
        bars = [
            Bar(f"{row['rate']:,} events/s, {name}", (row[name] or 0,), f"{row[name]} ms")
            for row in found["latency"]["rows"]
            for name in ("p50", "p99")
        ]
        yield "latency", chart("Intended send to receipt of the flip", bars)
    if "rules" in found:
        rows = [row for row in found["rules"]["rows"] if "rate" in row]
        bars = [Bar(f"{row['rules']} rules", (row["cpu"],), f"{row['cpu']} s") for row in rows]
        yield "rules", chart("CPU seconds for a million events", bars)


def _rated(name: str, row: Results, *, ours: bool = True) -> Bar:
    return Bar(name, (row["rate"],), f"{row['rate']:,}", (row["lowest"], row["highest"]), ours)
