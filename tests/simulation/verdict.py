"""What a schedule's output must be."""

from collections.abc import Mapping
from typing import Any

import schemas
from segments.engine import INPUTS, POSITION_KEY, Position, position_of
from streams.worker.decode import decode
from tests.chaos.reading import Raw
from tests.chaos.truth import Logs, Truth, truth
from tests.chaos.verdict import (
    Verdict,
    check_arms,
    check_once,
    check_sequences,
    compare,
    fold,
    held,
    remembered,
    versionless,
)
from tests.simulation.deployed import deployments, kept_by
from tests.simulation.kafka import COMMITTED, Kafka
from tests.simulation.schedule import ENGINE, PARTITIONS, Schedule
from tests.simulation.worker import CHANGELOG

Output = dict[str, Any]
"""A segment event or a segment outcome."""


def judge(schedule: Schedule) -> list[str]:
    """What is wrong; nothing if all is well."""
    verdict, kafka = Verdict(), schedule.kafka
    if schedule.errors:
        return schedule.errors[:3]
    logs = _logs(kafka)
    events = [
        schemas.decode(schemas.SEGMENT_EVENT, raw.value or b"") for raw in committed(kafka, "segment-events")
    ]
    kept, positions = _states(kafka)
    outcomes = [
        schemas.decode(schemas.SEGMENT_OUTCOME, raw.value or b"")
        for raw in committed(kafka, "segment-outcomes")
    ]
    members = committed(kafka, "segment-memberships")
    check_sequences(verdict, events, {raw.key.decode() for raw in members if raw.key and raw.value is None})
    inside, kept_in = fold(events), held(members)
    if schedule.deployments:
        inside, kept_in = versionless(inside), versionless(kept_in)
    compare(verdict, "memberships", inside, kept_in)
    _nulls(verdict, members)
    clocks = {number: positions[number].clock - 1 for number in positions} if schedule.live else None
    followed = deployments(schedule) if schedule.deployments else None
    expected = truth(logs, schedule.rules, ENGINE, clocks, followed)
    _letters(verdict, kafka, expected)
    check_once(verdict, outcomes)
    check_arms(verdict, [*events, *outcomes])
    if schedule.live:
        _same_segments(verdict, events, expected)
    else:
        _same(verdict, "flips", events, expected.events)
        _same(verdict, "outcomes", outcomes, expected.told)
        for number, wanted in expected.states.items():
            came = _remembered(schedule, number, kept.get(number, {}))
            compare(verdict, f"state in {number}", _remembered(schedule, number, wanted), came)
    for (topic, number), end in (
        (where, len(kafka.logs[where])) for where in list(kafka.logs) if where[0] in INPUTS
    ):
        said = positions[number].offsets.get(topic, 0) if number in positions else 0
        if not said == kafka.committed.get((topic, number), 0) == end:
            verdict.add("wrong", f"{topic}-{number} ends at {end}, position {said}")
    return verdict.notes


def _remembered(schedule: Schedule, number: int, states: dict[bytes, bytes]) -> Mapping[bytes, Any]:
    if schedule.deployments:
        return kept_by(schedule, number, states)
    return remembered(states, schedule.rules)


def committed(kafka: Kafka, topic: str) -> list[Raw]:
    """The committed records of a topic."""
    return [
        Raw(topic, number, each.offset, each.timestamp, each.key, each.value, dict(each.headers))
        for number in range(PARTITIONS)
        for each in kafka.logs[topic, number]
        if each.state == COMMITTED
    ]


def _nulls(verdict: Verdict, members: list[Raw]) -> None:
    """A null only for a customer who has a record."""
    known: set[bytes | None] = set()
    for raw in members:
        if raw.value is not None:
            known.add(raw.key)
        elif raw.key in known:
            known.discard(raw.key)
        else:
            verdict.add("doubled", f"{raw.key!r} was erased or forgotten twice")


def _logs(kafka: Kafka) -> Logs:
    found: Logs = {number: {topic: [] for topic in INPUTS} for number in range(PARTITIONS)}
    for topic in INPUTS:
        raws = committed(kafka, topic)
        for raw, record in zip(raws, decode(topic, raws), strict=True):
            found[raw.partition][topic].append(record)
    return found


def _states(kafka: Kafka) -> tuple[dict[int, dict[bytes, bytes]], dict[int, Position]]:
    kept: dict[int, dict[bytes, bytes]] = {}
    for raw in committed(kafka, CHANGELOG):
        states = kept.setdefault(raw.partition, {})
        if raw.value is None:
            states.pop(raw.key or b"", None)
        else:
            states[raw.key or b""] = raw.value
    return kept, {number: position_of(states[POSITION_KEY]) for number, states in kept.items()}


def _letters(verdict: Verdict, kafka: Kafka, expected: Truth) -> None:
    came = [
        (raw.headers["topic"].decode(), raw.partition, int(raw.headers["offset"]))
        for raw in committed(kafka, "dead-letters")
    ]
    if sorted(came) != sorted(expected.letters):
        verdict.add("wrong", f"dead letters: expected {sorted(expected.letters)}, came {sorted(came)}")


def _same(verdict: Verdict, what: str, came: list[Output], expected: Mapping[str, list[Output]]) -> None:
    found: dict[str, list[Output]] = {}
    for each in came:
        found.setdefault(each["customer_id"], []).append(each | {"emitted_at": 0})
    compare(verdict, what, dict(expected), found)


def _same_segments(verdict: Verdict, events: list[dict[str, Any]], expected: Truth) -> None:
    def clean(inside: dict[str, Any]) -> dict[str, list[str]]:
        return {
            who: sorted(stay[0] for stay in stays) for who, stays in inside.items() if who.startswith("c")
        }

    wanted = fold(event for each in expected.events.values() for event in each)
    compare(verdict, "segments", clean(wanted), clean(fold(events)))
