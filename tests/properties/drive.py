"""Drives a `Partition` as a worker would: fetches runs, asks for end offsets, advances, commits, crashes.

`whole` does each of these once for each phase; `at_random` in any order, with runs cut anywhere, some fetched twice
or too far ahead, some commits lost. None of it may show in what is published.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

from segments import engine as the_engine
from segments.engine import of_customer
from tests.properties.model import Output, Placed, after, placed
from tests.properties.stories import Example, Phase

Engine = Any
"""`segments.engine`, or a mutant of it."""

APART: list[int] = []
"""See `apart`."""


class Worker:
    """A worker of one partition, over logs that grow from phase to phase."""

    def __init__(
        self,
        example: Example,
        engine: Engine = the_engine,
        rules: list[Any] | None = None,
        poison: Sequence[str] = (),
    ) -> None:
        self.example, self.engine, self.poison = example, engine, list(poison)
        self.rule_sets = rules or [
            engine.RuleSet(each, "EUR", example.zone, sources=example.sources) for each in example.rule_sets
        ]
        """Those of the example, ready to run."""
        self.rules, *self.coming = self.rule_sets
        self.store: dict[bytes, bytes] = {}
        self.logs: dict[str, list[Any]] = {topic: [] for topic in self.topics}
        self.ends = dict.fromkeys(self.topics, 0)
        self.now: int | None = None
        self.asked: tuple[dict[str, int], int, int | None] | None = None
        self.output = Output()
        self.members: Counter[str] = Counter()
        self.watches: Counter[str] = Counter()
        self.letters: list[tuple[str, int, str]] = []
        """Topic, offset and reason of every dead letter."""
        self.bugs: list[str] = []
        self.settled = True
        """The clock at the end of the last phase is committed. (What time it is may be forgotten in a crash.)"""
        self.start()
        self.committed: int = self.partition.clock

    @property
    def topics(self) -> Sequence[str]:
        """Those that have logs."""
        return self.example.topics

    @property
    def customers(self) -> dict[bytes, dict[str, Any]]:
        """What is remembered of customers, as committed: whether in one record or in two."""
        partition = self.made()
        keys = filter(of_customer, self.store)
        return {key: found for key in keys if (found := partition.remembered(key)) is not None}

    def made(self) -> Any:
        """A partition over what was committed."""
        settings = self.engine.EngineSettings(grace=self.example.grace, customer_limit=self.example.limit)
        return self.engine.Partition(0, 1, self.rules, settings, self.store)

    def start(self) -> None:
        """Take the partition over from what was committed."""
        self.partition = self.made()
        if self.poison:
            self.partition.poison(self.poison)
        if APART:
            self.partition.apart_from(APART[-1])
        self.asked = None
        for topic in self.topics:
            if topic not in self.partition.offsets:
                self.partition.begin(topic, 0)
        self.fetched = dict(self.partition.offsets)

    def begin(self, number: int) -> None:
        """A phase begins, perhaps with other rules."""
        if number in self.example.changes:
            self.rules, *self.coming = self.coming
            self.start()

    def grow(self, phase: Phase, logs: dict[str, list[Placed]]) -> None:
        """The records of a phase are in Kafka."""
        self.now = phase.now
        for topic, log in logs.items():
            self.logs[topic] += [self.record(placed_there) for placed_there in log]
            if log:
                self.ends[topic] = after(log[-1][0])

    def record(self, placed_there: Placed) -> Any:
        """A record as it is fetched."""
        offset, arrival = placed_there
        refusal = self.engine.Refusal(arrival.refused, "as drawn") if arrival.refused else None
        key, event = arrival.customer.encode(), refusal or arrival.event
        return self.engine.Record(arrival.topic, offset, arrival.timestamp, key, b"", event)

    def fetch(self, topic: str, start: int, end: int) -> None:
        """Offer the run of these offsets, and seek if the partition says so."""
        run = [each for each in self.logs[topic] if start <= each.offset < end]
        seek = self.partition.offer(topic, start, run, end)
        self.fetched[topic] = max(self.fetched[topic], end) if seek is None else seek

    def ask(self) -> None:
        """Ask for end offsets and the time, without waiting for the answer."""
        self.asked = dict(self.ends), self.partition.stamp, self.now

    def confirm(self) -> None:
        """The answer to what was asked, which may be long ago."""
        if self.asked is not None:
            self.partition.confirm(*self.asked)

    def step(self) -> bool:
        """Apply one record, or what is due of one customer, and commit it. False: nothing is left to do."""
        for topic in self.topics:
            self.fetch(topic, self.fetched[topic], self.ends[topic])
        self.ask()
        self.confirm()
        more = bool(self.partition.advance(1))
        self.commit()
        return more

    def finish(self) -> None:
        """Do all that is left of a phase, and commit it."""
        self.work()
        self.commit()
        self.settled = self.committed == self.partition.clock

    def work(self) -> None:
        """Do all that is left of a phase."""
        for topic in self.topics:
            self.fetch(topic, self.fetched[topic], self.ends[topic])
        for _ in range(2):
            self.ask()
            self.confirm()
            while self.partition.advance():
                pass

    def commit(self) -> None:
        """Publish and store what was done since the last commit, all at once."""
        effects = self.partition.collect_effects()
        self.output.clock = self.partition.clock
        if effects is None:
            return
        for key, flip in effects.segment_events:
            self.output.flips.setdefault(key.decode(), []).append(flip)
        for key, outcome in effects.segment_outcomes:
            self.output.told.setdefault(key.decode(), []).append(outcome)
        for key, members in effects.memberships:
            self.output.memberships.setdefault(key.decode(), []).append(members)
        for key, state in effects.states.items():
            if state is None:
                self.store.pop(key, None)
            else:
                self.store[key] = state
        self.output.outcomes += effects.outcomes
        self.output.links += Counter(effects.links)
        letters = effects.dead_letters
        self.letters += [(each.record.topic, each.record.offset, each.reason) for each in letters]
        self.bugs += [each.error for each in letters if each.reason == "engine_error"]
        self.bugs += ["in a flip by time"] * effects.engine_errors
        self.output.offsets = effects.offsets
        self.members, self.committed = Counter(self.partition.members), effects.clock
        self.watches = self.partition.watches

    def stumble(self, random: Random, crashes: bool) -> None:
        """Do one thing, whether it makes sense now or not."""
        topic = random.choice(self.topics)
        start, end = self.fetched[topic], self.ends[topic]
        match random.choice(DEEDS):
            case "fetch" if start < end:
                self.fetch(topic, start, random.randint(start + 1, end))
            case "again":
                self.fetch(topic, random.randint(0, start), random.randint(start, end))
            case "ahead" if start + 1 < end:
                self.fetch(topic, random.randint(start + 1, end - 1), end)
            case "ask":
                self.ask()
            case "confirm":
                self.confirm()
            case "advance":
                self.partition.advance(random.choice([1, 2, 5000]))
            case "commit":
                self.commit()
            case "crash" if crashes and self.settled:
                self.start()


DEEDS = ["fetch"] * 4 + ["ask", "ask", "confirm", "advance", "advance", "commit", "again", "ahead", "crash"]


def whole(example: Example, engine: Engine = the_engine, rules: list[Any] | None = None) -> Worker:
    """Every phase at once."""
    worker = Worker(example, engine, rules)
    for number, logs in enumerate(placed(example)):
        worker.begin(number)
        worker.grow(example.phases[number], logs)
        worker.finish()
    return worker


def at_random(
    example: Example,
    random: Random,
    crashes: bool,
    engine: Engine = the_engine,
    rules: list[Any] | None = None,
) -> Worker:
    """Every phase in pieces, done in any order."""
    worker = Worker(example, engine, rules)
    for number, logs in enumerate(placed(example)):
        worker.begin(number)
        worker.grow(example.phases[number], logs)
        for _ in range(random.randint(0, 30)):
            worker.stumble(random, crashes)
        worker.finish()
    return worker


def step_by_step(example: Example, engine: Engine = the_engine, rules: list[Any] | None = None) -> Worker:
    """Each record in a transaction of its own, and after each a restart."""
    worker = Worker(example, engine, rules)
    for number, logs in enumerate(placed(example)):
        worker.begin(number)
        worker.grow(example.phases[number], logs)
        while worker.settled and worker.step():
            worker.start()
        worker.finish()
    return worker


@contextmanager
def apart(few: int = 3) -> Iterator[None]:
    """Have what is older stand in a record of its own from so many entries on."""
    APART.append(few)
    try:
        yield
    finally:
        APART.pop()
