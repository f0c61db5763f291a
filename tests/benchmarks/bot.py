"""One customer with a million events in a day, and what the neighbours notice of it.

    python -m tests.benchmarks.bot

First a backlog: the bot's million among the events of a hundred thousand neighbours, and the neighbours alone. Then live: new
customers come at a rate, alone, and beside a bot that goes on at a million a day, or faster. Prints Markdown.
"""

import argparse
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator

from confluent_kafka import TopicPartition

from tests.benchmarks.live import PARTITIONS, Live, Station, click, quantiles, wall

DAY = 86_400_000
BOT = "bot"
RULES = {
    "here": (
        '"""Here."""\nfrom segments.language import Segment, page_view\n'
        'here = Segment(en="Here", nl="Hier", when=page_view.within(days=1).count() >= 1)\n'
    ),
    "often": (
        '"""Often."""\nfrom segments.language import Segment, visit, purchase\n'
        'often = Segment(en="Often", nl="Vaak", when=visit.since(purchase).within(days=7).count() >= 3)\n'
    ),
    "product": (
        '"""Product."""\nfrom segments.language import Segment, product_view\n'
        "product = Segment(\n"
        '    en="Product", nl="Product", when=product_view.by(product_view.product_id).within(days=7).count() >= 3\n'
        ")\n"
    ),
}


def main() -> None:
    """Both parts."""
    arguments = _arguments()
    print(f"python -m tests.benchmarks.bot {' '.join(sys.argv[1:])}")
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, broker, sender and reader on them, too\n"
    )
    print(
        "| a day's backlog | events | caught up in s | events/s | flips | dead letters | largest state, bytes |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|")
    _backlog("the neighbours alone", arguments.neighbours, 0)
    _backlog("with the bot", arguments.neighbours, arguments.bot)
    print(
        f"\n| {arguments.rate:.0f} new customers a second | p50 ms | p99 ms | longest ms | never came | CPU of the worker |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    for name, rate in (
        ("alone", 0.0),
        ("a bot, a million a day", 1e6 / 86_400),
        ("a bot, 1,000 a second", 1_000.0),
    ):
        _live(name, rate, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--bot", type=int, default=1_000_000, help="its events in the day")
    parser.add_argument("--neighbours", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=200.0, help="live events of neighbours a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of live events")
    return parser.parse_args()


def _day(neighbours: int, bot: int) -> Iterator[tuple[str, bytes]]:
    """A day's clicks in order, the bot's evenly among the others."""
    total, now = neighbours + bot, wall()
    for number in range(total):
        at = now - DAY + DAY * number // total
        is_neighbour = number * neighbours // total != (number + 1) * neighbours // total
        customer = f"c{number}" if is_neighbour else BOT
        yield customer, click(f"e{number}", customer, at)


def _backlog(name: str, neighbours: int, bot: int) -> None:
    with Station(RULES, CLOCK="event") as station:
        count = station.send_all(_day(neighbours, bot))
        station.start()
        while not station.committed():
            time.sleep(0.05)
        seconds = station.wait_until_committed(count, 900)
        station.stop()
        flips, letters = len(_values(station, "segment-events")), len(_values(station, "dead-letters"))
        largest = max(_values(station, "benchmark-customers-changelog"))
        print(
            f"| {name} | {count:,} | {seconds:.0f} | {count / max(seconds, 0.1):,.0f} | {flips:,} | {letters:,} | {largest:,} |",
            flush=True,
        )


def _values(station: Station, topic: str) -> list[int]:
    """The length of each committed value of a topic."""
    consumer, sizes, quiet = station.consumer(), [], 0
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    while quiet < 3:
        messages = consumer.consume(5_000, 1.0)
        quiet = 0 if messages else quiet + 1
        sizes += [len(each.value() or b"") for each in messages if not each.error()]
    consumer.close()
    return sizes


def _live(name: str, bot_rate: float, arguments: argparse.Namespace) -> None:
    with Station(RULES) as station:
        count = station.send_all(_day(0, 20_000)) if bot_rate else 0
        station.start()
        station.wait_until_committed(count, 300)
        stop = threading.Event()
        bot = threading.Thread(target=_go_on, args=(station, bot_rate, stop))
        bot.start()
        with Live(station, arguments.rate) as live:
            time.sleep(8)
            began, cpu = time.monotonic(), station.cpu()
            time.sleep(arguments.seconds)
            ended, cpu = time.monotonic(), station.cpu() - cpu
            time.sleep(3)
        stop.set()
        bot.join()
        took = quantiles(live.between(began, ended))
        print(f"| {name} | {took} | {live.missing(began, ended)} | {cpu / (ended - began):.0%} |", flush=True)


def _go_on(station: Station, rate: float, stop: threading.Event) -> None:
    """The bot, live."""
    if not rate:
        return
    producer, began, number = station.producer(), time.monotonic(), 0
    while not stop.is_set():
        producer.produce("clickstream", click(f"b{number}", BOT, wall()), BOT.encode())
        producer.poll(0)
        number += 1
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
    producer.flush(10)


if __name__ == "__main__":
    main()
