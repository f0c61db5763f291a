"""How large a measurement is: small for a machine on a desk, full for the standard load."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sizes:
    """All that can be chosen on the command line; the meaning of each field is its help there."""

    events: int = field(default=400_000, metadata={"help": "records of a log"})
    customers: int = field(default=100_000, metadata={"help": "customers of the standard load"})
    partitions: tuple[int, ...] = field(default=(1, 4, 24), metadata={"help": "partition counts, by comma"})
    stores: tuple[str, ...] = field(default=("memory", "rocksdb"), metadata={"help": "stores, by comma"})
    rounds: int = field(default=3, metadata={"help": "interleaved rounds"})
    cap: float = field(default=25.0, metadata={"help": "seconds after which a slow run is cut off"})
    peers: tuple[str, ...] = field(
        default=("segments", "faust", "quix", "bytewax", "flink-1", "flink-2", "bare"),
        metadata={"help": "who runs the one-counter rule, by comma"},
    )
    latency_rates: tuple[int, ...] = field(
        default=(10_000, 100_000), metadata={"help": "events a second of the latency part, by comma"}
    )
    seconds: int = field(default=20, metadata={"help": "seconds of the latency part"})
    flips: int = field(default=50_000, metadata={"help": "flips by time that are due in one second"})
    restored: int = field(default=100_000, metadata={"help": "customers to restore, three records each"})
    remembered: int = field(default=10_000, metadata={"help": "customers to remember, thirty events each"})
    rules: tuple[int, ...] = field(default=(100, 1_000), metadata={"help": "sizes of seeded rule sets"})
    rule_events: int = field(default=200_000, metadata={"help": "records of the log for many rules"})
    deploy_events: int = field(default=2_000_000, metadata={"help": "records of the log that is backfilled"})
    deploy_rate: int = field(default=5_000, metadata={"help": "live events a second while rules go live"})
    seed: int = field(default=1, metadata={"help": "of loads and rule sets"})


FULL = Sizes(
    events=2_000_000,
    rounds=5,
    cap=600.0,
    seconds=60,
    flips=1_000_000,
    restored=1_000_000,
    remembered=100_000,
    rule_events=300_000,
)
"""The standard load."""

TINY = Sizes(
    events=12_000,
    customers=1_000,
    partitions=(4,),
    rounds=1,
    cap=20.0,
    latency_rates=(500, 2_000),
    seconds=4,
    flips=500,
    restored=1_000,
    remembered=200,
    rules=(20,),
    rule_events=4_000,
    deploy_events=20_000,
    deploy_rate=200,
)
"""To see whether everything still runs; its figures mean nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a part of the benchmark is given: how large, and a folder to work in."""

    sizes: Sizes
    folder: Path
