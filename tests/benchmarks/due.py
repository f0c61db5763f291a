"""A million flips by time due in the same second, while live events keep coming.

    python -m tests.benchmarks.due --customers 1000000

Every customer was heard of once in the same second, half an hour before all of them fall due. Other customers come at a
rate, and enter a segment at once; how long that takes is measured before, while the flips by time drain, and after.
Prints Markdown.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator

from tests.benchmarks.live import Live, Station, click, quantiles, wall

HALF_AN_HOUR = 30 * 60_000
RULES = {
    "quiet": (
        '"""Quiet."""\nfrom segments.language import Segment, login, minutes\n'
        'quiet = Segment(en="Quiet", nl="Stil", when=login.within(days=1).idle >= minutes(30))\n'
    ),
    "here": (
        '"""Here."""\nfrom segments.language import Segment, page_view\n'
        'here = Segment(en="Here", nl="Hier", when=page_view.within(days=1).count() >= 1)\n'
    ),
}
BEFORE = 10.0
"""Seconds of live events alone, before and after."""


def main() -> None:
    """Prepare, wait for the instant, watch, and tell."""
    arguments = _arguments()
    with Station(RULES) as station:
        due = wall() + int(arguments.lead * 1000)
        station.send_all(_customers(arguments.customers, due - HALF_AN_HOUR))
        station.start()
        station.wait_until_committed(arguments.customers, (due - wall()) / 1000 - BEFORE - 5)
        time.sleep(max(0.0, due / 1000 - time.time() - BEFORE))
        _watch(station, due, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=200.0, help="live events a second")
    parser.add_argument(
        "--lead", type=float, default=300.0, help="seconds in which all customers must be taken in"
    )
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds in which all must have flipped")
    return parser.parse_args()


def _customers(count: int, at: int) -> Iterator[tuple[str, bytes]]:
    for number in range(count):
        customer = f"c{number}"
        yield customer, click(f"e{number}", customer, at + number % 1000, "login")


def _watch(station: Station, due: int, arguments: argparse.Namespace) -> None:
    drained: list[float] = []
    with Live(station, arguments.rate, lambda _message, at: drained.append(at)) as live:
        began = time.monotonic()
        due_at = began + due / 1000 - time.time()
        while len(drained) < arguments.customers:
            if time.monotonic() > due_at + arguments.timeout:
                raise SystemExit(
                    f"{len(drained)} of {arguments.customers} flips in {arguments.timeout:.0f} s"
                )
            time.sleep(0.2)
        end = drained[-1]
        time.sleep(BEFORE)
        ended = time.monotonic()
        time.sleep(2)
    seconds = end - drained[0]
    print(f"python -m tests.benchmarks.due {' '.join(sys.argv[1:])}")
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, broker, sender and reader on them, too\n"
    )
    print(
        f"{arguments.customers:,} flips due in one second: drained in {seconds:.0f} s, {len(drained) / seconds:,.0f} a second; "
        f"each once: {len(drained) == arguments.customers}\n"
    )
    print(f"| live events, {arguments.rate:.0f} a second | p50 ms | p99 ms | longest ms | never came |")
    print("|---|---:|---:|---:|---:|")
    spans = (("before", began, drained[0]), ("while they drain", drained[0], end), ("after", end, ended))
    for name, start, stop in spans:
        print(f"| {name} | {quantiles(live.between(start, stop))} | {live.missing(start, stop)} |")


if __name__ == "__main__":
    main()
