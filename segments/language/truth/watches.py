"""The oracle's watches: what comes of an enter into a segment with a goal, by SEMANTICS.md, section 7."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from segments.language.nodes.goals import Aim
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import goal_text, plain
from segments.language.truth.drawn import bucket
from segments.language.truth.memory import Event, Memory, read
from segments.language.truth.oracle import key_of, passing


def arm(aim: Aim, customer: str) -> str | None:
    """`control` or `treated`; None: nobody is held out."""
    if aim.control is None:
        return None
    return "control" if bucket(aim.experiment, customer) < aim.control * 100 else "treated"


@dataclass(slots=True)
class Watch:
    """What came of one enter so far."""

    segment: Segment
    enter: dict[str, Any]
    """The flip by which it was opened."""
    arm: str | None
    found: list[tuple[int, Decimal]] = field(default_factory=list)
    """Instant and revenue of each event of the goal."""

    @property
    def begin(self) -> int:
        """The instant of the enter."""
        return int(self.enter["occurred_at"])

    @property
    def end(self) -> int:
        """The instant at which it matures; events at that instant no longer count."""
        return self.begin + self.segment.aim.window

    def see(self, topic: str, event: Event, memory: Memory) -> None:
        """Count an event, each line of an order for itself where the goal is of lines."""
        goal, of = self.segment.aim.goal, self.segment.aim.revenue
        if goal is None or not self.begin < event["occurred_at"] < self.end:
            return
        alone = Memory(memory.currency, memory.zone, [(topic, event)])
        for row in passing(goal, alone, goal.key, key_of(self.segment, self.enter["value"])):
            money = None if of is None else read(of, row, alone)
            self.found.append((event["occurred_at"], money or Decimal(0)))

    @property
    def aims(self) -> tuple[str, str | None, str | None]:
        """What it goes on by when other rules take over: goal and revenue, experiment, percentage."""
        return aims(self.segment)

    def outcome(self, kind: str, now: int) -> dict[str, Any]:
        """What is published of it, without version and ids."""
        held_out = self.segment.aim.control
        of = self.segment.aim.revenue
        return {
            "segment": self.segment.id,
            "value": self.enter["value"],
            "episode": self.enter["episode"],
            "kind": kind,
            "reason": self.enter["reason"],
            "arm": self.arm,
            "experiment": None if held_out is None else self.segment.aim.experiment,
            "control": None if held_out is None else plain(held_out),
            "goal": goal_text(self.segment.aim),
            "entered_at": self.begin,
            "first_goal_at": min((at for at, _ in self.found), default=None),
            "occurred_at": now,
            "goals": len(self.found),
            "revenue": None if of is None else sum((money for _, money in self.found), Decimal(0)),
        }


def aims(segment: Segment) -> tuple[str, str | None, str | None]:
    """What a rule is measured by, as a text; without a control group the name of an experiment draws nobody."""
    if segment.aim.control is None:
        return goal_text(segment.aim), None, None
    return goal_text(segment.aim), segment.aim.experiment, plain(segment.aim.control)


Place = tuple[str, str]
"""A segment and the value of the enter, empty without one."""


class Watches:
    """The open watches of a customer, at most one for each segment and value, and the outcomes published of them."""

    def __init__(self, customer: str) -> None:
        self.customer = customer
        self.outcomes: list[dict[str, Any]] = []
        self.open: dict[Place, Watch] = {}
        self.converted: set[Place] = set()
        """The segments of those that saw the first event of their goal in the evaluation going on."""

    def see(self, topic: str, event: Event, memory: Memory) -> None:
        """An event has taken its place: the watches that see the first event of their goal are converted."""
        for name, watch in self.open.items():
            before = len(watch.found)
            watch.see(topic, event, memory)
            if watch.found and not before:
                self.converted.add(name)

    def settle(self, now: int) -> bool:
        """Publish what one evaluation brought, and close the watches whose window is over; whether there was one."""
        over = {name for name, watch in self.open.items() if watch.end <= now}
        for name in sorted(self.converted | over):
            kinds = [kind for kind, met in (("converted", self.converted), ("matured", over)) if name in met]
            self.outcomes += [self.open[name].outcome(kind, now) for kind in kinds]
        for name in over:
            del self.open[name]
        self.converted.clear()
        return bool(over)

    def carry(self, segments: Iterable[Segment]) -> None:
        """Other rules take over: a watch goes on if its rule is measured by the same, whatever its version."""
        rules = {each.id: each for each in segments if each.aim.goal is not None}
        for name, watch in list(self.open.items()):
            rule = rules.get(name[0])
            if rule is not None and aims(rule) == watch.aims:
                watch.segment = rule
            else:
                del self.open[name]

    def watch(self, segment: Segment, flip: dict[str, Any]) -> None:
        """An enter opens a watch, unless one of the same segment and value is open."""
        if segment.aim.goal is not None and flip["transition"] == "enter":
            watch = Watch(segment, flip, arm(segment.aim, self.customer))
            self.open.setdefault((segment.id, flip["value"] or ""), watch)

    def ends(self) -> Iterator[int]:
        """The instants at which the open ones mature."""
        return (watch.end for watch in self.open.values())
