"""What a rule with values costs an event: `python -m tests.benchmarks.values`.

Each customer has looked at things of 200 categories, or as often at one, and looks at more. A rule with `for_each` is to
look at the category of the event alone: then both cost the same, and little more than the same rule without values.
The engine is driven as a worker drives it, from record batches to finished batches, without Kafka. Figures are of CPU
time and in turns, so that others at work on the machine count less.
"""

import statistics
from collections.abc import Iterator
from random import Random

import click

import schemas
from segments.engine import RuleSet
from segments.language import Segment, product_view
from segments.language.catalogue import CLICKSTREAM
from tests.benchmarks.links import Lane, Row, in_runs

START = 1_767_225_600_000
APART = 1_000
"""Milliseconds from one event to the next: all of a customer stay within the window."""
NEVER = 1_000_000
"""Views that nobody has: what is measured is the looking, not flips."""
RECENT = product_view.within(days=30)
VALUED = Segment(
    id="valued",
    for_each=product_view.category,
    en="Looks often at a category",
    nl="Kijkt vaak naar een categorie",
    when=RECENT.by(product_view.category).count() >= NEVER,
)
PLAIN = Segment(id="plain", en="Looks often", nl="Kijkt vaak", when=RECENT.count() >= NEVER)


def view(customer: str, number: int, category: int) -> Row:
    """The view of that number."""
    event = {
        "event_id": f"{customer}-{number}", "customer_id": customer, "occurred_at": START + number * APART,
        "kind": "product_view", "session_id": None, "page": None, "product_id": "p1",
        "category": f"category-{category}", "channel": None, "attributes": {},
    }  # fmt: skip
    return customer.encode(), schemas.encode(schemas.CLICK, event)


def rows(customers: int, views: range, values: int) -> Iterator[Row]:
    """Of each customer a view of each number; of the first `values` ones each is of another category."""
    random = Random(values)
    for number in views:
        for customer in range(customers):
            yield view(f"c{customer}", number, number if number < values else random.randrange(values))


def microseconds(rule: Segment, customers: int, values: int, most: int, more: int) -> float:
    """CPU microseconds an event, of `more` a customer who has `most` views already, of so many values."""
    lane = Lane(0, RuleSet([rule]), None, count=1)
    in_runs(rows(customers, range(most), values), lambda run: lane.take(CLICKSTREAM.name, run))
    before = lane.spent
    in_runs(rows(customers, range(most, most + more), values), lambda run: lane.take(CLICKSTREAM.name, run))
    return (lane.spent - before) / (customers * more) * 1e6


@click.command()
@click.option("--customers", default=500, show_default=True, help="Who look at things.")
@click.option("--values", default=200, show_default=True, help="Categories that each has looked at.")
@click.option("--more", default=100, show_default=True, help="Views of each that are measured.")
@click.option("--rounds", default=5, show_default=True, help="Turns.")
def program(customers: int, values: int, more: int, rounds: int) -> None:
    """Print a table of what an event costs."""
    cases = {
        "no values": (PLAIN, 1),
        "for_each, one value": (VALUED, 1),
        f"for_each, {values} values": (VALUED, values),
    }
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (rule, of) in cases.items():
            found[name].append(microseconds(rule, customers, of, values, more))
    click.echo(f"| {customers:,} customers of {values} views, {rounds} turns | CPU µs an event |\n|---|---|")
    for name, each in found.items():
        click.echo(f"| {name} | {statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f}) |")
    pairs = zip(found[f"for_each, {values} values"], found["for_each, one value"], strict=True)
    ratios = [many / one for many, one in pairs]
    middle, least, most = statistics.median(ratios), min(ratios), max(ratios)
    click.echo(f"| {values} values to one | {middle:.2f} ({least:.2f} to {most:.2f}) |")


if __name__ == "__main__":
    program()
