"""Partitions of a shop in which ids turn out to be one customer, given records one after the other."""

from collections.abc import Sequence
from typing import Any

from segments.engine import EngineSettings, Record, RuleSet, partition_of
from segments.insight.replay import Replay, together
from segments.language import Segment, page_view
from tests.properties.linked import alternates, link
from tests.properties.records import START, Arrival, click

ANON, ANNA = "anon-7", "anna"
THREE = Segment(
    en="Three page views",
    nl="Drie pagina's",
    when=page_view.within(days=7).count() >= 3,
    id="three",
)


class Shop:
    """Partitions that are given records one after the other."""

    def __init__(self, count: int, segments: Sequence[Segment] = (THREE,), limit: int = 10_000) -> None:
        self.count, self.segments, self.rules = count, tuple(segments), RuleSet(segments)
        self.settings = EngineSettings(grace=0, customer_limit=limit)
        self.arrivals: list[Arrival] = []
        self.values: dict[int, bytes] = {}
        """The bytes of records by their instants; those of others are left out."""

    def live(self, *arrivals: Arrival, until: int | None = None) -> "Shop":
        """Live through records from the beginning."""
        self.arrivals += arrivals
        logs: list[dict[str, list[Record]]] = [{} for _ in range(self.count)]
        for each in self.arrivals:
            key = each.customer.encode()
            log = logs[partition_of(key, self.count)].setdefault(each.topic, [])
            value = self.values.get(each.time, b"")
            log.append(Record(each.topic, len(log), each.timestamp, key, value, each.event))
        replays = [
            Replay(number, self.count, log, self.rules, self.settings, (), "transfers")
            for number, log in enumerate(logs)
        ]
        self.logs, self.replays = logs, replays
        self.partitions = [each.partition for each in replays]
        self.effects = list(together(dict(enumerate(replays)), self.count, until))
        self.flips = [event for each in self.effects for _, event in each.segment_events]
        self.letters = [each for effects in self.effects for each in effects.dead_letters]
        assert alternates(self.flips)
        return self

    def of(self, customer: str) -> Any:
        """What is remembered of the links of a customer."""
        return self.partitions[partition_of(customer.encode(), self.count)].identity(customer.encode())

    def inside(self, customer: str) -> set[str]:
        """The segments that a customer is in."""
        found = self.partitions[partition_of(customer.encode(), self.count)].why(customer.encode())
        return {each["segment"] for each in found["rules"] if each["inside"]}

    def told(self) -> list[tuple[str, str, str]]:
        """Who enters and leaves, and why."""
        return [(each["customer_id"], each["transition"], each["reason"]) for each in self.flips]

    def links(self) -> dict[str, int]:
        """How many links by what became of them."""
        found: dict[str, int] = {}
        for effects in self.effects:
            for name, count in effects.links.items():
                found[name] = found.get(name, 0) + count
        return found


def view(at: int, customer: str) -> Arrival:
    """A page view."""
    return click(at, "page_view", customer, f"{customer}@{at}")


def linking(at: int, customer: str, into: str, id: str = "l1", action: str = "link") -> Arrival:
    """A link, so many milliseconds after the start."""
    return link(START + at, customer, into, id, action)
