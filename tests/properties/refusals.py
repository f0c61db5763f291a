"""Stories in which records are refused after a look at the customer: one who occupies too much, or a bug of ours."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from segments import engine as the_engine
from tests.properties.changes import changing
from tests.properties.comparing import bare
from tests.properties.drive import Engine, Worker, apart, at_random, step_by_step
from tests.properties.model import Placed, merged, placed
from tests.properties.picking import Pick, one_in
from tests.properties.records import Arrival
from tests.properties.stories import Example, Phase, example

LIMITS = (3, 2, 5, 8)
LINES = 2
"""The most lines of an order, each of which is an entry."""
Position = tuple[str, int]
"""Topic and offset."""


def crowded(pick: Pick) -> Example:
    """A story under a limit that a few events reach."""
    return replace(example(pick), limit=pick(LIMITS))


def prompt(pick: Pick) -> Example:
    """A story in which every event is in Kafka as it occurs, and the clock of a partition is up to it at once."""
    drawn = changing(pick) if one_in(pick, 2) else example(pick)
    phases = [
        Phase(tuple(replace(each, timestamp=each.time) for each in phase.arrivals), None)
        for phase in drawn.phases
    ]
    return one_by_one(replace(drawn, grace=0, phases=tuple(phases)))


def one_by_one(example: Example) -> Example:
    """The same story with each record in a phase of its own, so that one left out changes no order."""
    phases: list[Phase] = []
    changes = {}
    for number, (phase, logs) in enumerate(zip(example.phases, placed(example), strict=True)):
        if number in example.changes:
            changes[len(phases)] = example.changes[number]
        single = [Phase((arrival,), None) for _, arrival in merged(logs)]
        phases += [*single[:-1], replace(single[-1], now=phase.now)] if single else [phase]
    return replace(example, phases=tuple(phases), changes=changes)


def positions(example: Example) -> Iterator[list[Placed]]:
    """The records of each phase."""
    for logs in placed(example):
        yield [each for log in logs.values() for each in log]


def by_nobody(example: Example, refused: Collection[Position]) -> Example:
    """The same story in which what was refused is of somebody else, so that only the clock moves by it."""
    phases = []
    for phase, records in zip(example.phases, positions(example), strict=True):
        kept = [ghost(at, each) if (each.topic, at) in refused else each for at, each in records]
        phases.append(replace(phase, arrivals=tuple(kept)))
    return replace(example, phases=tuple(phases))


def ghost(offset: int, arrival: Arrival) -> Arrival:
    """A record of nobody at the same time."""
    event = arrival.event and arrival.event | {"customer_id": "nobody", "event_id": f"ghost{offset}"}
    return replace(arrival, customer="nobody", event=event)


def without(example: Example, refused: Collection[Position]) -> Example:
    """The same story in which what was refused could not be decoded, so that nothing moves by it."""
    phases = []
    for phase, records in zip(example.phases, positions(example), strict=True):
        kept = [
            replace(each, refused="undecodable") if (each.topic, at) in refused else each
            for at, each in records
        ]
        phases.append(replace(phase, arrivals=tuple(kept)))
    return replace(example, phases=tuple(phases))


def poisoned(
    example: Example, engine: Engine = the_engine, poison: Sequence[str] = ("e1", "e3", "e4")
) -> Worker:
    """Live through a story with an engine that has a bug once it has remembered an event of one of these ids."""
    return seldom_committed(Worker(example, engine, poison=poison))


def seldom_committed(worker: Worker) -> Worker:
    """Live through a story with several records to a commit, which is what undoing must go back to."""
    for number, logs in enumerate(placed(worker.example)):
        if number in worker.example.changes:
            worker.commit()
        worker.begin(number)
        worker.grow(worker.example.phases[number], logs)
        worker.work()
        if number % 5 == 4:
            worker.commit()
    worker.commit()
    return worker


def refused_for(worker: Worker, reason: str) -> set[Position]:
    """The dead letters of a reason."""
    return {(topic, offset) for topic, offset, why in worker.letters if why == reason}


def unlike_but_for(worker: Worker, other: Worker) -> Iterator[str]:
    """How two runs differ in what customers are told, and in their states; counters aside."""
    for name in sorted({*worker.output.flips, *other.output.flips} - {"nobody"}):
        ours, theirs = ([bare(each) for each in run.output.flips.get(name, [])] for run in (worker, other))
        if ours != theirs:
            yield f"{name}: with what was refused {ours}, without {theirs}"
        if worker.output.memberships.get(name) != other.output.memberships.get(name):
            yield f"{name}: memberships differ"
    keys = {*worker.customers, *other.customers} - {b"nobody"}

    yield from (f"state of {key!r}" for key in keys if worker.customers.get(key) != other.customers.get(key))


def overfull(worker: Worker) -> Iterator[str]:
    """The customers who occupy more than the limit and what one more event can add."""
    for key, customer in worker.customers.items():
        if customer["entries"] >= worker.example.limit + 1 + LINES * len(worker.rules.plan.streams):
            yield f"{key!r} occupies {customer['entries']} entries"


def in_pieces(drawn: Example, engine: Engine, rules: Any) -> Worker:
    """With crashes."""
    return at_random(drawn, Random(repr(drawn)), crashes=True, engine=engine, rules=rules)


def in_records(drawn: Example, engine: Engine, rules: Any) -> Worker:
    """With a restart after each record, and with what is older in a record of its own."""
    with apart():
        return step_by_step(drawn, engine, rules)
