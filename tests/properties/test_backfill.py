"""Measures that were filled from the past are as if they had always been there: the engine against itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given

from segments.engine import EngineSettings, Past, Refill, listening
from segments.insight.why import why
from segments.language import Segment
from segments.language.truth.life import Customer
from tests.properties.changes import beat
from tests.properties.coverage import reads
from tests.properties.drive import Worker, whole
from tests.properties.model import TOPICS, placed
from tests.properties.orders import harmless
from tests.properties.picking import Pick, by_chance, one_in, picked
from tests.properties.rules import rule_set
from tests.properties.running import EXAMPLES, LONG, SEED, thorough
from tests.properties.stories import GRACES, Example, Phase, afterwards, arrivals_to

pytestmark = LONG
NAMES = {"ant": "dog", "bee": "eel", "cat": "fly"}


@dataclass(frozen=True, slots=True)
class Filled:
    """A story in three parts; before the second or the third rules are added, and before the third they are filled.

    And the same story with all of the rules always.
    """

    added: Example
    always: Example
    crash: int
    """Batches after which filling stops, to begin anew."""


def filled(pick: Pick) -> Filled:
    """Rules, rules that are added, and what happens before and after.

    Under the conditions of *Late*: whether a customer was erased between two events, or which of two ids came first,
    depends on flips that the group has not published.
    """
    old = rule_set(pick, until=False)
    new = [*old, *(renamed(each) for each in rule_set(pick, until=False) if not reads(each))]
    arrivals = harmless(arrivals_to(pick, new), Customer(old).retention)
    first, second = sorted(pick(range(len(arrivals) + 1)) for _ in range(2))
    last = [afterwards(new, arrivals)] if one_in(pick, 4) else []
    phases = (
        Phase((*arrivals[:first], beat(pick, arrivals[:first])), None),
        Phase((*arrivals[first:second], beat(pick, arrivals[:second])), None),
        Phase((*arrivals[second:], *last), None),
    )
    grace = pick(GRACES)
    added = Example(tuple(old), grace, phases, {pick((1, 2)): tuple(new)})
    return Filled(added, Example(tuple(new), grace, phases), pick((0, 0, 1)))


def renamed(segment: Segment) -> Segment:
    """The rule under a name that no old rule has."""
    return Segment(id=NAMES[segment.id], when=segment.when)


def lived(drawn: Filled) -> Worker:
    """The story with the rules added and, before its last part, filled."""
    worker = Worker(drawn.added)
    for number, logs in enumerate(placed(drawn.added)):
        if number == 2:
            for most in (drawn.crash, None) if drawn.crash else (None,):
                fill(worker, most)
            worker.start()
        worker.begin(number)
        worker.grow(drawn.added.phases[number], logs)
        worker.finish()
    return worker


def fill(worker: Worker, most: int | None) -> None:
    """Fill the measures of all rules, or stop after so many batches."""
    rules = [worker.rules, *worker.coming][-1]
    refill = Refill(worker.store, rules, rules.ids, 1)
    past = Past(0, 1, listening(rules), EngineSettings(grace=worker.example.grace))
    past.begin(0, dict.fromkeys(TOPICS, 0), refill.offsets)
    for topic in TOPICS:
        past.offer(topic, 0, worker.logs[topic], refill.offsets[topic])
    past.work()
    for batch in [*refill.batches(past, {})][:most]:
        worker.store |= {key: state for key, state in batch.items() if state is not None}


def told(worker: Worker) -> dict[bytes, Sequence[Any]]:
    """Each customer's segments, and every measure of them, once what is due at the clock itself has fired too."""
    found = {}
    worker.partition.until(worker.partition.clock)
    for key in worker.customers:
        answer = why(worker.partition, key.decode())
        found[key] = [
            (each["segment"], each["inside"], each["evidence"], each["flips_at"])
            for each in answer["segments"]
        ]
    return found


@thorough(0.1)
@given(picked(filled))
def test_what_was_filled_is_as_if_it_had_always_been_there(drawn: Filled) -> None:
    """Membership, every measure and the next flip of every customer, however the filling was cut."""
    agreed(drawn)


def test_filling_by_plain_chance() -> None:
    """The same over stories that Hypothesis would hardly draw."""
    for drawn in by_chance(filled, EXAMPLES // 10, SEED):
        agreed(drawn)


def agreed(drawn: Filled) -> None:
    """With the rules added and filled, and with all of them always."""
    added, always = lived(drawn), whole(drawn.always)
    assert added.partition.known_since == {}
    assert told(added) == told(always), repr(drawn.added)
