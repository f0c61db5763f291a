"""Stories in which ids turn out to be one customer: drawn at random, and lived through over several partitions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from segments.engine import EngineSettings, Record, RuleSet, partition_of
from segments.insight.identity import TRANSFERS
from segments.insight.replay import Replay, together
from segments.language import Segment
from segments.language.catalogue import IDENTITIES, sources_among
from segments.language.truth.identity import end_of
from segments.language.truth.life import Customer
from tests.properties.picking import Pick
from tests.properties.records import START, Arrival, click
from tests.properties.rules import rule_set
from tests.properties.stories import AIMS, arrivals_to, measured_by

IDS = ("anna", "phone", "tablet", "kiosk")
"""One customer: all of them lead to the first one."""
WAYS = (
    {"phone": "anna", "tablet": "anna", "kiosk": "anna"},
    {"phone": "anna", "tablet": "phone", "kiosk": "tablet"},
    {"phone": "anna", "tablet": "anna", "kiosk": "phone"},
)
"""Into which id each of them is linked."""


@dataclass(frozen=True, slots=True)
class Linked:
    """Rules, and what happened to ids of one customer."""

    segments: tuple[Segment, ...]
    arrivals: tuple[Arrival, ...]
    """In the order in which they arrive, the links among them."""
    links: dict[str, str]
    partitions: int

    @property
    def sources(self) -> tuple[str, ...]:
        """`SEGMENTS_PROFILE_SOURCES`: those that tell something."""
        return sources_among({arrival.topic for arrival in self.arrivals})

    @property
    def until(self) -> int:
        """An instant after all that happened."""
        return max(arrival.time for arrival in self.arrivals)


def link(at: int, customer: str, into: str, id: str, action: str = "link") -> Arrival:
    """A link, at an instant."""
    event = {"event_id": id, "customer_id": customer, "occurred_at": at, "into": into, "action": action}
    return Arrival(IDENTITIES.name, customer, event | {"source": None}, at)


def linked(pick: Pick) -> Linked:
    """A story within the promise on late events: no rule with a memory of its own flips, no instant shared by two ids."""
    segments = rule_set(pick, aim=pick(AIMS))
    while not promised(segments):
        segments = rule_set(pick, aim=pick(AIMS))
    retention = Customer(segments).retention
    drawn = [each for each in arrivals_to(pick, segments) if each.event is not None and not each.refused]
    latest = max((each.time for each in drawn), default=START)
    kept: dict[int, Arrival] = {}
    for each in drawn:
        # A redirect that nothing passes is forgotten after the retention.
        if latest - retention // 2 < each.time and each.time not in kept:
            kept[each.time] = of_id(each, pick(IDS), f"e{len(kept)}")
    arrivals, links = [*kept.values()], pick(WAYS)
    instants = [*kept] or [START]
    for number, (customer, into) in enumerate(links.items()):
        made = link(pick(instants) + 1 + number, customer, into, f"l{number}")
        arrivals.insert(pick(range(len(arrivals) + 1)), made)
    latest = max(each.time for each in arrivals) - START
    arrivals.append(click(latest + 1, "email_open", IDS[0], "last"))
    return Linked(tuple(segments), tuple(arrivals), links, pick((1, 2, 5)))


def promised(segments: Sequence[Segment]) -> bool:
    """Whether rules are within the promise on late events."""
    read = [each.source.flip for events in measured_by(segments) for each in events.sets]
    back = [each.until is not None or each.for_at_least or each.at_most_every for each in segments]
    return not any(read) and not any(bool(each) for each in back)


def of_id(arrival: Arrival, customer: str, id: str) -> Arrival:
    """An event of another id, that Kafka took in when it occurred."""
    assert arrival.event is not None
    event = arrival.event | {"customer_id": customer, "event_id": id}
    return replace(arrival, customer=customer, event=event, timestamp=arrival.time)


@dataclass(slots=True)
class Outcome:
    """What came of a story."""

    segments: set[tuple[str, str | None]]
    """Those that the customer is in at the end."""
    others: set[tuple[str, str | None]]
    """Those that any other id is in."""
    outcomes: Counter[tuple[str, str]]
    links: Counter[str]
    flips: list[dict[str, Any]]
    reasons: Counter[str]
    remembered: dict[str, Any] | None


def logs_of(story: Linked) -> list[dict[str, list[Record]]]:
    """The logs of each partition, by topic."""
    logs: list[dict[str, list[Record]]] = [{} for _ in range(story.partitions)]
    for arrival in story.arrivals:
        key = arrival.customer.encode()
        log = logs[partition_of(key, story.partitions)].setdefault(arrival.topic, [])
        log.append(Record(arrival.topic, len(log), arrival.timestamp, key, b"", arrival.event))
    return logs


def lived(story: Linked, limit: int = 10_000) -> Outcome:
    """Live through a story with the engine, over all partitions."""
    rules = RuleSet(story.segments, sources=story.sources)
    settings = EngineSettings(grace=0, customer_limit=limit)
    replays = {
        number: Replay(number, story.partitions, log, rules, settings, (), TRANSFERS)
        for number, log in enumerate(logs_of(story))
    }
    found = Outcome(set(), set(), Counter(), Counter(), [], Counter(), None)
    for effects in together(replays, story.partitions, story.until):
        found.outcomes += effects.outcomes
        found.links += Counter(effects.links)
        found.reasons += effects.reasons
        found.flips += [event for _, event in effects.segment_events]
    for customer in IDS:
        partition = replays[partition_of(customer.encode(), story.partitions)].partition
        inside = {
            (each["segment"], each["value"])
            for each in partition.why(customer.encode(), story.until)["rules"]
            if each["inside"]
        }
        if customer == IDS[0]:
            found.segments, found.remembered = inside, partition.remembered(customer.encode())
        else:
            found.others |= inside
    return found


def expected(story: Linked) -> set[tuple[str, str | None]]:
    """The segments, with their values, at the end of one customer who did it all, by the oracle."""
    customer = Customer(story.segments, name=IDS[0])
    own = [each for each in story.arrivals if each.topic != IDENTITIES.name]
    assert all(end_of(each.customer, story.links) == IDS[0] for each in own)
    for offset, arrival in enumerate(sorted(own, key=lambda each: each.time)):
        customer.apply(arrival.step(offset), arrival.time)
    customer.fire(story.until + 1)
    return set(customer.inside)


def alone(story: Linked) -> Linked:
    """The same story of one customer who did it all, in order of time, in one partition."""
    own = [each for each in story.arrivals if each.topic != IDENTITIES.name]
    events = [
        replace(each, customer=IDS[0], event=(each.event or {}) | {"customer_id": IDS[0]})
        for each in sorted(own, key=lambda each: each.time)
    ]
    return replace(story, arrivals=tuple(events), partitions=1)


def alternates(flips: Sequence[dict[str, Any]]) -> bool:
    """Whether the flips of each customer and segment are enters and exits in turn, and sequences have no gap.

    Only an erasure lets them begin anew.
    """
    last: dict[tuple[str, str, str | None], str] = {}
    sequences: Counter[str] = Counter()
    for flip in flips:
        key = (flip["customer_id"], flip["segment"], flip["value"])
        if flip["sequence"] == 1:
            sequences[flip["customer_id"]] = 0
        sequences[flip["customer_id"]] += 1
        if last.get(key, "exit") == flip["transition"] or flip["sequence"] != sequences[flip["customer_id"]]:
            return False
        last[key] = flip["transition"]
    return True
