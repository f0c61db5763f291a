"""Drives a `Partition` by hand: events by name and hour, everything offered and confirmed at once."""

from collections.abc import Sequence
from typing import Any

from segments.engine import (
    RULES,
    DeadLetter,
    Deployment,
    Effects,
    EngineSettings,
    Notice,
    Partition,
    PlannedRules,
    Record,
    RuleSet,
    listening,
)
from segments.language import Segment
from segments.language.catalogue import CLICKSTREAM, TRANSACTIONS, Topic, inputs
from streams.deployments.changes import measures_of
from tests.kit.events import whole

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_767_225_600_000
_OF_EACH = ("event_id", "customer_id", "occurred_at", "kind")


def _fields(topic: Topic, **usual: Any) -> dict[str, Any]:
    return {name: value for name, value in whole(topic, usual).items() if name not in _OF_EACH}


CLICK = _fields(CLICKSTREAM)
"""The fields of a click but for id, customer, time and kind."""
TRANSACTION = _fields(TRANSACTIONS, order_id="o1", amount=1000, currency="EUR")


class Driver:
    """One partition of one, its committed states, and everything that came out of it."""

    def __init__(
        self,
        *segments: Segment,
        grace: int = 0,
        limit: int = 10_000,
        size: int = 1 << 20,
        states: dict[bytes, bytes] | None = None,
        sources: Sequence[str] = (),
    ):
        self.sources = sources
        self.settings = EngineSettings(grace=grace, customer_limit=limit, customer_bytes=size)
        self.states = {} if states is None else states
        self.ends = dict.fromkeys(inputs(sources), 0)
        self.events: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []
        """Segment outcomes."""
        self.memberships: list[tuple[bytes, dict[str, Any] | None]] = []
        self.letters: list[tuple[str, int, str]] = []
        self.refused: list[DeadLetter] = []
        self.notices: list[Notice] = []
        self.outcomes: dict[tuple[str, str], int] = {}
        self.errors = 0
        self.waited = 0
        """Enters that found no place among the values of a segment."""
        self.waits = False
        """Whether what is sent waits until `run`."""
        self.partition = self.open(segments)

    def open(self, segments: Sequence[Segment]) -> Partition:
        """Begin, or begin again, with a rule set and the states that are committed."""
        self.partition = Partition(0, 1, RuleSet(segments, sources=self.sources), self.settings, self.states)
        for topic in self.partition.inputs:
            if topic not in self.partition.offsets:
                self.partition.begin(topic, 0)
            self.ends[topic] = self.partition.offsets[topic]
        return self.partition

    def click(
        self, at: int, kind: str = "page_view", customer: str = "c", id: str = "", **fields: Any
    ) -> None:
        """A click at an instant (milliseconds since START)."""
        self._event("clickstream", at, customer, id, CLICK | {"kind": kind} | fields)

    def purchase(self, at: int, customer: str = "c", id: str = "", **fields: Any) -> None:
        """A purchase at an instant."""
        self._event("transactions", at, customer, id, TRANSACTION | {"kind": "purchase"} | fields)

    def profile(
        self,
        at: int,
        customer: str = "c",
        id: str = "",
        consents: Any = None,
        topic: str = "profiles",
        **attributes: Any,
    ) -> None:
        """A profile of an instant, of a source."""
        self._event(topic, at, customer, id, {"attributes": attributes, "consents": consents or {}})

    def erase(self, at: int, customer: str = "c") -> None:
        """A null profile whose Kafka timestamp is an instant."""
        self._send(Record("profiles", self.ends["profiles"], START + at, customer.encode(), None, None))

    def until(self, at: int) -> None:
        """Fire what is due up to and including an instant."""
        self.partition.until(START + at)
        self.commit()

    def run(self) -> None:
        """Apply all there is."""
        self.partition.confirm(self.ends, self.partition.stamp, None)
        while self.partition.advance():
            self.commit()
        self.commit()

    def commit(self) -> Effects | None:
        """Take the effects, and commit them."""
        effects = self.partition.collect_effects()
        if effects is not None:
            self._note(effects)
        return effects

    def flips(self, *fields: str) -> list[Any]:
        """What flipped: (segment, transition, instant) and further fields."""
        return [
            (
                each["segment"],
                each["transition"],
                each["occurred_at"] - START,
                *(each[name] for name in fields),
            )
            for each in self.events
        ]

    def _event(self, topic: str, at: int, customer: str, id: str, fields: dict[str, Any]) -> None:
        event = {
            "event_id": id or f"e{self.ends[topic]}",
            "customer_id": customer,
            "occurred_at": START + at,
        } | fields
        text = repr(event).encode()
        # What is long is as long in the record's bytes, whatever they are.
        value = b"raw" if len(text) < 4_096 else text
        self._send(Record(topic, self.ends[topic], START + at, customer.encode(), value, event))

    def _send(self, record: Record) -> None:
        start = self.ends[record.topic]
        self.ends[record.topic] = record.offset + 1
        assert self.partition.offer(record.topic, start, [record], record.offset + 1) is None
        if not self.waits:
            self.run()

    def _note(self, effects: Effects) -> None:
        self.events += [event for _, event in effects.segment_events]
        self.told += [outcome for _, outcome in effects.segment_outcomes]
        self.waited += effects.waiting
        self.memberships += effects.memberships
        self.letters += [
            (each.record.topic, each.record.offset, each.reason) for each in effects.dead_letters
        ]
        self.refused += effects.dead_letters
        self.notices += effects.notices
        self.errors += effects.engine_errors
        for key, count in effects.outcomes.items():
            self.outcomes[key] = self.outcomes.get(key, 0) + count
        for key, state in effects.states.items():
            if state is None:
                self.states.pop(key, None)
            else:
                self.states[key] = state


def asked_for(rules: RuleSet, *ids: str) -> PlannedRules:
    """What is filled for these rules: their measures."""
    made = listening(rules, {name for each in ids for name in measures_of(rules, each)})
    assert made is not None
    return made


def deployed(
    offset: int,
    at: int,
    rules: RuleSet | PlannedRules | None,
    follows: str | None = None,
    kind: str = RULES,
    id: str | None = None,
) -> Deployment:
    """A deployment; its id is `d` and the offset."""
    return Deployment(
        offset=offset,
        timestamp=START + at,
        deployment_id=id or f"d{offset}",
        follows=follows,
        occurred_at=START + at,
        kind=kind,
        rules=rules,
        settings=EngineSettings(grace=0),
    )
