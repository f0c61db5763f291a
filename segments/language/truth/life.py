"""The oracle over time: what flips when in the life of one customer, by SEMANTICS.md, sections 2 to 5.

Flips by time are found by trying every instant at which one is possible. What is true at an instant is said by
`oracle.py`.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from segments.language.catalogue import is_source
from segments.language.nodes.arithmetic import Calculated, is_duration
from segments.language.nodes.conditions import Comparison, Consent
from segments.language.nodes.durations import DAY
from segments.language.nodes.order import flips_in, in_order
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves, measures_of_rule
from segments.language.truth.carried import carried, shortened
from segments.language.truth.clocks import Clocks
from segments.language.truth.evidence import evidence
from segments.language.truth.matters import retention, spans
from segments.language.truth.memory import NEVER, Event, Memory, together
from segments.language.truth.oracle import Inside, holds, is_published, key_of, looked_at, values
from segments.language.truth.sides import crossings, turns
from segments.language.truth.watches import Watches, arm

Place = tuple[str, str | None]
"""A segment and one of its values, None if it has none."""
PLAIN: dict[str, Any] = {"value": None, "details": {}, "arm": None}
"""What the flips and stays of a segment without values, details and a control group tell."""


def in_turn(places: Iterable[Place], inside: Inside) -> list[Place]:
    """By segment, what is not inside first, then by the bytes of the value."""
    return sorted(places, key=lambda each: (each[0], each in inside, (each[1] or "").encode()))


@dataclass(frozen=True, slots=True)
class Step:
    """A record of a customer whose turn has come."""

    cause: Mapping[str, Any]
    """Its `topic`, `partition`, `offset`, and `event_id` (None for an erasure)."""
    event: Event | None
    """None erases the customer."""
    timestamp: int
    """When Kafka took it in, which is when an erasure occurs."""

    @property
    def time(self) -> int:
        """When it occurred."""
        return self.timestamp if self.event is None else int(self.event["occurred_at"])


class Customer:
    """One customer under a set of rules; `flips` and `memberships` are what is published, without versions and ids."""

    def __init__(
        self,
        segments: Iterable[Segment],
        currency: str = "EUR",
        known: Mapping[str, float] | None = None,
        name: str = "customer",
        zone: str = "UTC",
    ) -> None:
        self.segments = sorted(segments, key=lambda each: each.id)
        parts = [leaf for each in self.segments for leaf in leaves(each.when) + leaves(each.until)]
        self.retention = max([DAY, *map(retention, self.segments)])
        self.parts = parts
        self.crossing = [leaf for leaf in parts if isinstance(leaf, Calculated) and is_duration(leaf.left)]
        """Durations against durations: they cross at instants that no span tells."""
        self.heard = {other.id for each in self.segments for other in flips_in(measures_of_rule(each))}
        """The segments whose flips some rule reads."""
        self.falling = [
            leaf for leaf in parts if isinstance(leaf, Comparison) and isinstance(leaf.measure, Predicted)
        ]
        """What a model tells: it passes its bound at instants that no span tells."""
        self.clocks = Clocks(parts)
        self.currency, self.zone, self.known = currency, zone, known or {}
        self.borders: Mapping[str, Decimal] = {}
        """Those published, as the memory has them."""
        self.erased = NEVER
        self.swept = NEVER
        """When these rules took over from others: what time alone would have flipped until then did not."""
        self.flips: list[dict[str, Any]] = []
        self.memberships: list[dict[str, Any] | None] = []
        self.name, self.watches = name, Watches(name)
        self.forget()

    def forget(self) -> None:
        """Everything but what was published, and an erasure."""
        if self.memberships and self.memberships[-1] is not None:
            self.memberships.append(None)
        self.memory = self.nothing()
        self.watches.open.clear()
        self.inside: dict[Place, dict[str, Any]] = {}
        self.ids: dict[tuple[str, str], float] = {}
        self.instant = self.latest = NEVER
        self.sequence = 0

    def nothing(self) -> Memory:
        """The memory of one of whom nothing is remembered."""
        named = self.watches.customer
        return Memory(self.currency, self.zone, borders=self.borders, known=self.known, customer=named)

    def apply(self, step: Step, clock: float) -> str:
        """A record in its turn, with the partition's clock as it stands: `applied`, `duplicate` or `ignored`."""
        self.fire(clock)  # (1)
        if self.erased + self.retention < clock:
            self.erased = NEVER
        if step.event is not None and self.is_duplicate(step, step.event):  # (2)
            return "duplicate"
        if step.event is not None and self.is_ignored(step, clock):
            return "ignored"
        self.fire(max(step.time, clock))  # (3): the clock takes in no more than the record's own time
        if step.event is None:  # (4)
            self.erase(step)
        else:
            self._place(step, step.event)
        return "applied"

    def fire(self, limit: float) -> None:
        """What is due before the limit by time alone, each at its own instant; what is due to be forgotten last."""
        for now in self.instants(lambda: self.memory):
            if now >= limit:
                break
            self.evaluate(now, "timer", None)
        if self.memory.profile is None and self.latest + self.retention < limit and not self.watches.open:
            self.forget()

    def is_duplicate(self, step: Step, event: Event) -> bool:
        """The same id in the same topic, for 24 hours of the customer's own time."""
        first = self.ids.get((step.cause["topic"], event["event_id"]), NEVER)
        return max(self.instant, step.time) < first + DAY

    def is_ignored(self, step: Step, clock: float) -> bool:
        """At or before an erasure, too old to matter, or older than the profile that its source told last."""
        if not is_source(step.cause["topic"]):
            return step.time <= self.erased or step.time + self.retention < clock
        held = self.memory.sources.get(step.cause["topic"])
        return step.time <= self.erased or (held is not None and step.time < held["occurred_at"])

    def _place(self, step: Step, event: Event) -> None:
        """The event takes its place in time; what it changes flips at the customer's instant."""
        late, before = step.time < self.instant, self.memory.profile
        self.instant, self.latest = max(self.instant, step.time), max(self.latest, step.time)
        self.ids[step.cause["topic"], event["event_id"]] = self.instant
        if is_source(step.cause["topic"]):
            self.memory.sources[step.cause["topic"]] = event
            self.memory.profile = together(self.memory.sources)
            given, held = self.memory.profile["consents"], before["consents"] if before else {}
            changed = {name for name in {*given, *held} if given.get(name) != held.get(name)}
            self.evaluate(int(self.instant), "late_event" if late else "profile", step, changed)
        else:
            self.memory.events.append((step.cause["topic"], event))
            self.watches.see(step.cause["topic"], event, self.memory)
            self.evaluate(int(self.instant), "late_event" if late else "event", step)

    def erase(self, step: Step) -> None:
        """One of whom nothing is remembered is in no segment: all are left at E, and only E is kept."""
        self.erased = max(step.time, self.instant, self.erased)
        published, self.memory = list(self.memberships), self.nothing()
        self.evaluate(int(self.erased), "erasure", step)
        self.memberships = published  # the null alone
        self.forget()

    def evaluate(self, now: int, reason: str, step: Step | None, consents: Iterable[str] = ()) -> None:
        """One evaluation of all rules: at most one flip for each value, by id, exits before enters, then by value."""
        inside = self.members(now, self.inside, self.memory, counts=reason != "erasure")
        self.begin(now, inside, self.memory)
        if reason != "erasure" and self.watches.settle(now):
            self.instant = now
        rules = {each.id: each for each in self.segments}
        flipped = [(rules[place[0]], place[1]) for place in in_turn(set(inside) ^ set(self.inside), inside)]
        if not flipped:
            return
        self.instant = now
        fresh = [self.flip(each, (each.id, value) in inside, now, value) for each, value in flipped]
        for (each, value), flip in zip(flipped, fresh, strict=True):
            reads = {
                leaf.name for leaf in leaves(each.when) + leaves(each.until) if isinstance(leaf, Consent)
            }
            flip["reason"] = "consent" if reason == "profile" and reads & set(consents) else reason
            flip["cause"] = step and step.cause
            flip["evidence"] = list(evidence(each, now, self.memory, inside, value))
            flip["valid_until"] = self.next_flip(each, value)
            if reason != "erasure":
                self.watches.watch(each, flip)
        self.flips += fresh
        self.memberships.append({"sequence": self.sequence, "segments": self.stays(inside)})

    def stays(self, inside: Inside) -> list[dict[str, Any]]:
        """What a membership record says of the segments that the customer is in."""
        rules = {each.id: each for each in self.segments}
        return [
            {**self.inside[place], "valid_until": self.next_flip(rules[place[0]], place[1])}
            for place in in_turn(inside, inside)
        ]

    def flip(self, segment: Segment, enters: bool, now: int, value: str | None = None) -> dict[str, Any]:
        """Enters or leaves; an exit has the episode of its enter."""
        self.sequence += 1
        place, plain = (segment.id, value), PLAIN | {"value": value}
        entered = {"segment": segment.id, "entered_at": now, "episode": self.sequence, **plain}
        stay = self.inside.pop(place, entered | {"arm": arm(segment.aim, self.name)})
        told = carried(segment, now, self.memory, key_of(segment, value)) if enters else {}
        if enters:
            self.inside[place] = stay | {"details": shortened(segment, told)}
            self.memory.entered[place] = now
        flip = {"segment": segment.id, "transition": "enter" if enters else "exit", "occurred_at": now}
        ids = {"sequence": self.sequence, "episode": stay["episode"]}
        return {**flip, **ids, **plain, "arm": stay["arm"], "details": told}

    def members(self, now: int, inside: Inside, memory: Memory, counts: bool) -> set[Place]:
        """The segments that the customer is in at an instant, having been inside these until then, and the values.

        `counts`: flips are events for the rules that read them, which are asked after those that flip.
        """
        found = set[Place]()
        for each in self.ordered:
            was = {place for place in inside if place[0] == each.id}
            member = {(each.id, value) for value in values(each, now, memory, inside)}
            found |= member
            for place in in_turn(member ^ was, member) if counts else ():
                topic = f"{'entered' if place in member else 'left'}({each.id})"
                flip = {"occurred_at": now, "value": place[1]}
                if each.id in self.heard:
                    memory.events.append((topic, flip))
                if memory is self.memory:
                    self.watches.see(topic, flip, memory)
        return found

    @cached_property
    def ordered(self) -> list[Segment]:
        """The segments, each after those that it reads."""
        ids = {each.id for each in self.segments}
        return [each for each in in_order(self.segments) if each.id in ids]

    def begin(self, now: int, inside: Inside, memory: Memory) -> None:
        """Note of each rule since when it would let the customer in, if it holds customers back for a while."""
        found = set[Place]()
        for each in self.segments:
            asked = {None} if each.for_each is None else looked_at(each, now, memory, inside)
            for value in asked if each.for_at_least else ():
                lets = is_published(each, memory) and holds(
                    each.when, now, memory, inside, key_of(each, value)
                )
                if lets and (each.id, value) not in inside:
                    found.add((each.id, value))
        memory.begun = {place: memory.begun.get(place, now) for place in found}

    def instants(self, memory: Callable[[], Memory]) -> Iterator[int]:
        """Every instant to come at which time alone could flip something, as the memory then is."""
        now, times, known = max(self.instant, self.swept), deque[int](), (-1, 0)
        lasting = [each for each in self.segments if each.for_at_least]
        seldom = [each for each in self.segments if each.at_most_every]
        while True:
            # Of conditions on now only the near future is listed.
            upto = (len(memory().events), self.clocks.day(now))
            if known != upto:
                times, known = deque(self.changes(memory(), now)), upto
            begun, entered = memory().begun, memory().entered
            held = [
                at + each.for_at_least
                for each in lasting
                for (name, _), at in begun.items()
                if name == each.id
            ]
            held += [
                at + each.at_most_every
                for each in seldom
                for (name, _), at in entered.items()
                if name == each.id
            ]
            held += self.watches.ends()
            found = [*(time for time in held if time > now), *itertools.islice(times, 1)]
            if not found:
                return
            now = min(found)
            yield now
            while times and times[0] <= now:
                times.popleft()

    def changes(self, memory: Memory, now: float) -> list[int]:
        """Every instant after this one at which time alone could change a leaf."""
        lengths = self.lengths(memory)
        times = {event["occurred_at"] + length for _, event in memory.events for length in lengths}
        if self.crossing:
            since = {event["occurred_at"] for _, event in memory.events} | times
            times |= {at for leaf in self.crossing for each in since for at in crossings(leaf, each, memory)}
        if self.falling:
            since = {event["occurred_at"] for _, event in memory.events} | times
            times |= {at for leaf in self.falling for each in since for at in turns(leaf, each, memory)}
        times |= set(self.clocks.turnings(memory, now))
        return sorted(time for time in times if time > now)

    @cached_property
    def spans(self) -> set[int]:
        """How long after an event a leaf can change, as far as rules tell: borders are learned."""
        return self.lengths(Memory())

    def lengths(self, memory: Memory) -> set[int]:
        """The same with the borders that are published."""
        return {length for leaf in self.parts for length in spans(leaf, memory)}

    def next_flip(self, segment: Segment, value: str | None = None) -> int | None:
        """When time alone will flip a segment, at one of its values, found by living on without events."""
        inside: Inside = self.inside
        place = (segment.id, value)
        held = self.memory
        memory = replace(held, begun=dict(held.begun), entered=dict(held.entered), events=list(held.events))
        end = self.clocks.settled(memory, max(self.instant, self.swept), self.retention)
        for now in self.instants(lambda: memory):
            if now > end:
                return None
            inside = self.members(now, inside, memory, counts=True)
            self.begin(now, inside, memory)
            if (place in inside) != (place in self.inside):
                return now
        return None
