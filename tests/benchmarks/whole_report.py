"""`segments report` from one end to the other: a broker of its own, topics of any size, the command as a user calls it.

`python -m tests.benchmarks.whole_report --outcomes 1000000 --inputs 10000000` tells seconds of the wall, seconds of the
processor, and the most memory that the command had. The records are made while they are sent, and the broker's folder is
deleted at the end: 10 million clicks take 1.5 GB there.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from tests.benchmarks.reports import DAY, did_of, flip_of, outcome_of
from tests.benchmarks.rig import Site

PARTITIONS = 8
CUSTOMERS = 1_000_000
"""Of whom there are clicks, ten of each with 10 million."""
ENTERED = 50_000
"""Of them were in a segment."""
SEGMENTS = Path(sys.executable).with_name("segments")


def outcomes(count: int, now: int) -> Iterator[tuple[str, bytes, bytes]]:
    """What came of so many enters, each of a customer of its own."""
    for number in range(count):
        yield "segment-outcomes", *outcome_of(f"customer-{number}", number, now - 90 * DAY + number)


def inputs(count: int, now: int) -> Iterator[tuple[str, bytes, bytes]]:
    """So many clicks and orders of the last 90 days, in the order of time, and the stays of some customers."""
    for number in range(ENTERED):
        for place, transition in enumerate(("enter", "exit")):
            at = now - 80 * DAY + number * 1_000 + place * 20 * DAY
            yield "segment-events", *flip_of(f"customer-{number}", transition, at)
    step = 90 * DAY / count
    for number in range(count):
        customer = f"customer-{number * 7_919 % CUSTOMERS}"
        yield did_of(number, customer, int(now - 90 * DAY + number * step))


@click.command()
@click.option("--outcomes", "told", default=1_000_000, show_default=True)
@click.option("--inputs", "did", default=10_000_000, show_default=True)
def main(told: int, did: int) -> None:
    """Measure both reports, one after the other, each on topics of its own."""
    for name, records, count, options in (
        ("outcomes", outcomes, told, ()),
        ("input records", inputs, did, ("--inputs",)),
    ):
        if not count:
            continue
        with tempfile.TemporaryDirectory(prefix="report-") as folder, Site(Path(folder), PARTITIONS) as site:
            begun = time.monotonic()
            site.produce(records(count, int(time.time() * 1000)))
            print(f"{count:,} {name} sent in {time.monotonic() - begun:.0f} s", flush=True)
            measure(site.address, f"{count:,} {name}", options)


def measure(address: str, name: str, options: tuple[str, ...]) -> None:
    """Run the command, and tell what it took."""
    environment = os.environ | {"SEGMENTS_BROKERS": address}
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [str(SEGMENTS), "report", *options, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{name}: {wall:.1f} s, {spent:.1f} s of a core, at most {after.ru_maxrss / 1024:,.0f} MB", flush=True
    )


if __name__ == "__main__":
    main()
