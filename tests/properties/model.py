"""What a partition should do, by the oracle: records in order, the clock, and what each customer publishes."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from segments.language.truth.life import Customer
from segments.language.truth.memory import NEVER
from tests.properties.records import Arrival
from tests.properties.stories import Example, Rules
from tests.properties.taking_over import measures, taken_over, unsaid

FUTURE = 5 * 60_000
Placed = tuple[int, Arrival]
"""An offset and what arrived there."""


@dataclass(slots=True)
class Output:
    """What came out, by customer, and what is known of the partition at the end."""

    flips: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    memberships: dict[str, list[dict[str, Any] | None]] = field(default_factory=dict)
    told: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The segment outcomes."""
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    clock: float = NEVER
    offsets: dict[str, int] = field(default_factory=dict)
    links: Counter[str] = field(default_factory=Counter)
    """Links by what became of them."""


def placed(example: Example, topics: Sequence[str] | None = None) -> list[dict[str, list[Placed]]]:
    """The log of each topic, by phase; None: of those of the example. Every third offset is a transaction marker."""
    topics = example.topics if topics is None else topics
    nexts, phases = dict.fromkeys(topics, 0), []
    for phase in example.phases:
        logs: dict[str, list[Placed]] = {topic: [] for topic in topics}
        for arrival in phase.arrivals:
            logs[arrival.topic].append((nexts[arrival.topic], arrival))
            nexts[arrival.topic] = after(nexts[arrival.topic])
        phases.append(logs)
    return phases


def after(offset: int) -> int:
    """The offset of the next record."""
    return offset + (2 if offset % 3 == 1 else 1)


def refused(arrival: Arrival) -> bool:
    """Whether a record is refused as soon as it is the head of its topic."""
    return bool(arrival.refused) or (arrival.event is not None and arrival.time > arrival.timestamp + FUTURE)


def merged(logs: dict[str, list[Placed]]) -> Iterable[Placed]:
    """Of the heads the one that occurred first, ties by topic; what is refused goes at once."""
    queues = {topic: deque(log) for topic, log in logs.items()}
    while heads := [queue[0][1] for queue in queues.values() if queue]:
        gone = [head for head in heads if refused(head)]
        head = gone[0] if gone else min(heads, key=lambda each: (each.time, each.topic))
        yield queues[head.topic].popleft()


class World:
    """The customers of one partition, as the oracle sees them."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.customers: dict[str, Customer] = {}
        self.output = Output(offsets=dict.fromkeys(example.topics, 0))
        self.met: set[str] = set()
        """`late`, `tie` and `erase`, if they happened."""
        self.apart: set[int] = set()
        """The milliseconds between any two events of one customer."""
        self.segments = example.segments
        self.known: dict[str, float] = {}
        self.unsaid: set[str] = set()
        """Customers whom a change of rules met in a way that SEMANTICS.md does not settle."""

    def run(self) -> Output:
        """Live through all phases."""
        out, example = self.output, self.example
        for number, (phase, logs) in enumerate(zip(example.phases, placed(example), strict=True)):
            if number in example.changes:
                self.change(example.changes[number])
            for offset, arrival in merged(logs):
                self.apply(offset, arrival)
            if phase.now is not None:
                out.clock = max(out.clock, phase.now - self.example.grace)
            for customer in self.customers.values():
                customer.fire(out.clock)
        for name, customer in sorted(self.customers.items()):
            out.flips[name], out.memberships[name] = customer.flips, customer.memberships
            if customer.watches.outcomes:
                out.told[name] = customer.watches.outcomes
        return out

    def change(self, segments: Rules) -> None:
        """Other rules take over; their new measures know events from the clock on."""
        clock = self.output.clock
        new = measures(segments) - measures(self.segments)
        self.known = {
            each: clock if each in new else self.known.get(each, NEVER) for each in measures(segments)
        }
        for name, customer in self.customers.items():
            if unsaid(customer, segments, clock):
                self.unsaid.add(name)
            self.customers[name] = taken_over(customer, segments, clock, self.known)
        self.segments = segments

    def apply(self, offset: int, arrival: Arrival) -> None:
        """A record in its turn."""
        out, outcome = self.output, "dead_letter"
        out.offsets[arrival.topic] = after(offset)
        if not refused(arrival):
            stranger = Customer(
                self.segments, known=self.known, name=arrival.customer, zone=self.example.zone
            )
            customer = self.customers.setdefault(arrival.customer, stranger)
            before = customer.instant
            outcome = customer.apply(arrival.step(offset), out.clock)
            if outcome == "applied":
                self.note(customer, arrival, before)
                if arrival.time <= customer.swept:
                    # Whether time alone flips anything between its instant and the change is not said.
                    self.unsaid.add(arrival.customer)
        if outcome == "applied" and arrival.event is not None:
            out.clock = max(out.clock, min(arrival.time, arrival.timestamp) - self.example.grace)
        out.outcomes[arrival.topic, outcome] += 1

    def note(self, customer: Customer, arrival: Arrival, before: float) -> None:
        """What was met, for the table of coverage."""
        others = [int(event["occurred_at"]) for _, event in customer.memory.events]
        self.apart.update(arrival.time - other for other in others if other < arrival.time)
        if arrival.event is None:
            self.met |= {"erase"} if before > NEVER else set()
        elif arrival.time < before:
            self.met.add("late")
        if others.count(arrival.time) > 1:
            self.met.add("tie")
