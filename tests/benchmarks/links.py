"""What links of ids cost: `python -m tests.benchmarks.links --links 1000000`.

Visitors of one partition click and log in as accounts of another one; the engine is driven as a worker drives it, from
record batches to finished batches, without Kafka. Rates are of CPU time, so that others at work on the machine count less.
Beside that the same clicks, without any link, with partitions that read links and with such that do not, in turns.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

import schemas
from segments.engine import EngineSettings, Fetch, Outbox, Partition, RuleSet, States, load, partition_of
from segments.language.catalogue import CLICKSTREAM, IDENTITIES
from streams.registry.readable import READABLE
from streams.settings.settings import Settings
from tests.simulation.batches import fetched
from tests.simulation.kafka import COMMITTED, Entry

START = 1_767_225_600_000
TAKEN_IN = START + 30 * 86_400_000
"""The Kafka timestamp of all records, so that none is of the future."""
TRANSFERS = "bench-transfers"
AT_ONCE = 10_000
"""Records in a run, and in a transaction."""
ROUNDS = 5
"""Turns of the comparison."""

Row = tuple[bytes, bytes]


@dataclass
class Lane:
    """A partition with its states, and the CPU seconds that it took."""

    number: int
    rules: RuleSet
    transfers: str | None = TRANSFERS
    count: int = 2
    states: Any = field(default_factory=States)
    spent: float = 0.0

    def __post_init__(self) -> None:
        self.open()
        self._ends = dict.fromkeys(self.partition.topics, 0)
        for topic in self.partition.topics:
            self.partition.begin(topic, 0)
        events = (schemas.SEGMENT_EVENT, schemas.SEGMENT_MEMBERSHIPS, schemas.SEGMENT_OUTCOME)
        self._outbox = Outbox("bench", self.number, *map(schemas.written_id, events))

    def open(self) -> None:
        """Take the partition over from its states."""
        self.partition = Partition(
            self.number,
            self.count,
            self.rules,
            EngineSettings(grace=0),
            self.states,
            transfers=self.transfers,
        )

    def take(self, topic: str, rows: Sequence[Row]) -> list[Any]:
        """Take a run in and commit what comes of it; returns the batches of transfers."""
        start, end = self._ends[topic], self._ends[topic] + len(rows)
        entries = [Entry(topic, start + n, TAKEN_IN, *row, (), COMMITTED) for n, row in enumerate(rows)]
        return self._run(topic, fetched(entries, start, end), end)

    def take_batches(self, topic: str, batches: Sequence[Any]) -> None:
        """Take in what another partition has sent."""
        for batch in batches:
            batch._set_producer_state(1, 0, 0)
            raw, start = bytearray(batch._build()), self._ends[topic]
            raw[0:8] = start.to_bytes(8, "big")
            records = Fetch(bytes(raw), start).next_run(1 << 30)
            assert records is not None
            self._run(topic, records, start + batch.record_count())

    def _run(self, topic: str, records: Any, end: int) -> list[Any]:
        self._ends[topic] = end
        began, partition = time.process_time(), self.partition
        if topic == self.transfers:
            partition.offer_fetched_transfers(records, READABLE, [])
        else:
            partition.offer_fetched(topic, records, READABLE, [])
        partition.confirm(self._ends, partition.stamp, None)
        while partition.advance():
            pass
        transaction = partition.collect(self._outbox, START)
        assert transaction is not None
        transaction.batches()
        sent = [batch for _, batches in transaction.elsewhere()[1] for batch in batches]
        transaction.apply_to(self.states)
        self.spent += time.process_time() - began
        return sent


def names(prefix: str, number: int, most: int) -> Iterator[str]:
    """So many ids of a partition of two."""
    found, n = 0, 0
    while found < most:
        name, n = f"{prefix}{n}", n + 1
        if partition_of(name.encode(), 2) == number:
            found += 1
            yield name


def view(customer: str, at: int) -> Row:
    """A page view."""
    event = {
        "event_id": f"{customer}-{at}", "customer_id": customer, "occurred_at": at, "kind": "product_view",
        "session_id": None, "page": "/", "product_id": "p1", "category": "shoes", "channel": "web", "attributes": {},
    }  # fmt: skip
    return customer.encode(), schemas.encode(schemas.CLICK, event)


def login(customer: str, into: str, at: int) -> Row:
    """A link."""
    event = {
        "event_id": f"l-{customer}", "customer_id": customer, "into": into, "occurred_at": at, "action": "link",
        "source": "app",
    }  # fmt: skip
    return customer.encode(), schemas.encode(schemas.LINK, event)


def in_runs(rows: Iterator[Row], take: Callable[[list[Row]], None]) -> None:
    """Hand rows over in runs."""
    run: list[Row] = []
    for row in rows:
        run.append(row)
        if len(run) == AT_ONCE:
            take(run)
            run = []
    if run:
        take(run)


def linked(rules: RuleSet, links: int, clicks: int) -> list[tuple[str, str]]:
    """Visitors click, log in, and click once more; what each part cost."""
    here, there = Lane(0, rules), Lane(1, rules)
    visitors, accounts = list(names("v", 0, links)), list(names("a", 1, links))

    def seconds(act: Callable[[], None]) -> tuple[float, float]:
        before = here.spent, there.spent
        act()
        return here.spent - before[0], there.spent - before[1]

    def browse(at: int) -> Callable[[], None]:
        def pass_on(run: list[Row]) -> None:
            there.take_batches(TRANSFERS, here.take(CLICKSTREAM.name, run))

        return lambda: in_runs((view(each, at + n) for n, each in enumerate(visitors)), pass_on)

    before = [seconds(browse(START + turn * 60_000_000))[0] for turn in range(clicks)]
    size = here.states.bytes, len(here.states)
    moved = [0]

    def link(run: list[Row]) -> None:
        sent = here.take(IDENTITIES.name, run)
        moved[0] += sum(batch.size() for batch in sent)
        there.take_batches(TRANSFERS, sent)

    at = START + clicks * 60_000_000
    pairs = zip(visitors, accounts, strict=True)
    left, joined = seconds(lambda: in_runs((login(*pair, at + n) for n, pair in enumerate(pairs)), link))
    redirects = here.states.bytes, len(here.states)
    passed, applied = seconds(browse(at + 60_000_000))
    began = time.process_time()
    here.open()
    opened = time.process_time() - began
    return [
        ("clicks of visitors", f"{links * clicks / sum(before):,.0f} a second"),
        ("state of a visitor before the login", f"{size[0] / size[1]:.0f} bytes"),
        ("links, the half of the id that is absorbed", f"{links / left:,.0f} a second"),
        ("links, the half of the id that goes on", f"{links / joined:,.0f} a second"),
        ("links, both halves", f"{links / (left + joined):,.0f} a second"),
        ("a transfer of a state", f"{moved[0] / links:.0f} bytes"),
        ("state of an id that is redirected", f"{redirects[0] / redirects[1]:.0f} bytes"),
        ("clicks that are passed on", f"{links / passed:,.0f} a second"),
        ("clicks that were passed on, applied", f"{links / applied:,.0f} a second"),
        (f"taking over {links:,} redirects", f"{opened:.2f} s"),
    ]


def compared(rules: RuleSet, events: int) -> tuple[str, str]:
    """The CPU of the same clicks with links read and without, in turns; nobody is linked."""
    ratios = []
    customers = list(names("v", 0, max(1, events // 10)))
    rows = [view(customers[n % len(customers)], START + n * 1_000) for n in range(events)]
    for _ in range(ROUNDS):
        lanes = [Lane(0, rules, transfers) for transfers in (None, TRANSFERS)]
        for place in range(0, len(rows), AT_ONCE):
            for lane in lanes:
                lane.take(CLICKSTREAM.name, rows[place : place + AT_ONCE])
        ratios.append(lanes[1].spent / lanes[0].spent)
    return (
        "clicks without a link, CPU where links are read to where they are not",
        f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}, {ROUNDS} turns)",
    )


@click.command()
@click.option("--links", default=100_000, show_default=True, help="Visitors who log in.")
@click.option("--clicks", default=3, show_default=True, help="Clicks of each before that.")
@click.option("--events", default=200_000, show_default=True, help="Clicks of the comparison.")
def program(links: int, clicks: int, events: int) -> None:
    """Print a table of what links cost."""
    rules = load(Settings().rules)
    click.echo(f"| {links:,} links, {len(rules.ids)} rules | |\n|---|---|")
    for what, figure in [*linked(rules, links, clicks), compared(rules, events)]:
        click.echo(f"| {what} | {figure} |")


if __name__ == "__main__":
    program()
