"""A case as lines: its log, and what an engine makes of it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from segments.language.catalogue import IDENTITIES
from tests.properties.drive import Engine, Worker, the_engine
from tests.properties.model import after, placed
from tests.properties.stories import Example

TOLD = (
    *(
        "event_id",
        "entered_as",
        "segment",
        "value",
        "episode",
        "kind",
        "reason",
        "arm",
        "entered_at",
        "first_goal_at",
    ),
    *("occurred_at", "goals", "revenue"),
)
"""The fields of a segment outcome that are not the rule's."""


def log(example: Example, topics: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The settings, the records, and where phases end. `topics`: those that have logs; None: those of the example."""
    topics = example.topics if topics is None else topics
    ends = dict.fromkeys(topics, 0)
    linked = {"linked": True} if IDENTITIES.name in topics else {}
    yield {"grace": example.grace, "limit": example.limit, "bytes": 1 << 20, **linked}
    for phase, logs in zip(example.phases, placed(example, topics), strict=True):
        for topic in topics:
            for offset, arrival in logs[topic]:
                line = {"topic": topic, "offset": offset, "timestamp": arrival.timestamp}
                yield line | {"key": arrival.customer, "refused": arrival.refused, "event": arrival.event}
            if logs[topic]:
                ends[topic] = after(logs[topic][-1][0])
        yield {"ends": dict(ends), "now": phase.now}


def effects(worker: Worker) -> Iterator[dict[str, Any]]:
    """What came of a log, by customer; then of the partition."""
    output = worker.output
    for name in sorted({*output.flips, *output.memberships}):
        flips, memberships = output.flips.get(name, []), output.memberships.get(name, [])
        told = [{field: each[field] for field in TOLD} for each in output.told.get(name, [])]
        line = {"customer": name, "flips": flips, "memberships": memberships}
        yield line | ({"told": told} if told else {})
    linked = {"links": dict(sorted(output.links.items()))} if output.links else {}
    yield {
        "outcomes": {f"{topic} {outcome}": n for (topic, outcome), n in sorted(output.outcomes.items())},
        **linked,
        "offsets": output.offsets,
        "clock": output.clock,
        "members": dict(sorted((+worker.members).items())),
        "dead_letters": worker.letters,
    }


def lived(example: Example, engine: Engine = the_engine) -> Worker:
    """A case, lived through phase by phase."""
    return through(Worker(example, engine))


def through(worker: Worker) -> Worker:
    """A worker that has lived through its example, phase by phase."""
    example = worker.example
    for number, logs in enumerate(placed(example, worker.topics)):
        worker.begin(number)
        worker.grow(example.phases[number], logs)
        worker.finish()
    return worker


def text(lines: Iterator[dict[str, Any]]) -> str:
    """As they are written."""
    return "".join(f"{json.dumps(line, ensure_ascii=False, separators=(',', ':'))}\n" for line in lines)
