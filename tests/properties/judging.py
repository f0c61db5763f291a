"""Judges of an engine that may have a bug: stories whose outcome is known, lived through until one comes out wrong."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from segments import engine as the_engine
from tests.properties import by_hand
from tests.properties.changes import changing
from tests.properties.comparing import differences, orderly
from tests.properties.drive import Engine, Worker, whole
from tests.properties.model import World
from tests.properties.picking import by_chance
from tests.properties.refusals import crowded, in_pieces, in_records, poisoned, prompt
from tests.properties.running import unlike_in
from tests.properties.stories import Example, example

Live = Callable[[Example, Engine, Any], Worker]
"""Lives through a story with an engine and, if they are given, its rules."""
Verdict = Callable[[Worker], list[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A story, and how it must come out."""

    example: Example
    live: Live
    rules: list[Any] | None
    """Made by the engine as it is; None: each engine makes its own."""
    wrong: Verdict


@dataclass(frozen=True, slots=True)
class Judge:
    """Stories of one sort."""

    name: str
    cases: list[Case]

    def catches(self, engine: Engine, own_rules: bool) -> int | None:
        """The number of the first story that comes out wrong with an engine, from 1; None: all are right."""
        for number, case in enumerate(self.cases, 1):
            try:
                with patience():
                    worker = case.live(case.example, engine, None if own_rules else case.rules)
                if case.wrong(worker):
                    return number
            except (Exception, Endless):  # noqa: BLE001 - a bug may raise anything
                return number
        return None


class Endless(BaseException):
    """A story that does not end. No `Exception`, which the engine would take for a bug of its own."""


@contextmanager
def patience(seconds: float = 1.0) -> Iterator[None]:
    """Let a story take so much of the processor's time; in peace it takes a hundredth of that."""

    def give_up(*_: object) -> None:
        raise Endless

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def with_poison(drawn: Example, engine: Engine, _rules: Any) -> Worker:
    """With rules that raise: they are made for it."""
    return poisoned(drawn, engine)


def by_oracle(drawn: Example, live: Live) -> Case:
    """A story whose outcome the oracle knows."""
    world = World(drawn)
    expected, rules = world.run(), whole(drawn).rule_sets

    def wrong(worker: Worker) -> list[str]:
        return [*differences(drawn, expected, worker, world.unsaid), *orderly(worker)]

    return Case(drawn, live, rules, wrong)


def by_engine(drawn: Example, live: Live) -> Case:
    """A story that must come out as it does with the engine as it is: properties show that to be right."""
    expected = live(drawn, the_engine, None)

    def wrong(worker: Worker) -> list[str]:
        letters = [] if expected.letters == worker.letters else ["dead letters"]
        return [*letters, *unlike_in(expected, worker)]

    return Case(drawn, live, expected.rule_sets, wrong)


def judges() -> list[Judge]:
    """All judges, the fastest first."""
    stories, changes = [*by_chance(example, 300, "mutants")], [*by_chance(changing, 150, "mutants")]
    crowds, bugs = [*by_chance(crowded, 60, "mutants")], [*by_chance(prompt, 60, "mutants")]
    return [
        Judge("told by hand", [by_oracle(each, whole) for each in by_hand.STORIES]),
        Judge("oracle", [by_oracle(each, whole) for each in stories]),
        Judge("limit", [by_engine(each, in_pieces) for each in crowds]),
        Judge("crashes", [by_oracle(each, in_pieces) for each in stories[:150]]),
        Judge("two records", [by_engine(each, in_records) for each in stories]),
        Judge("changes", [by_oracle(each, whole) for each in changes]),
        Judge("crashing changes", [by_oracle(each, in_pieces) for each in changes]),
        Judge("changes of two records", [by_engine(each, in_records) for each in changes]),
        Judge("bugs", [by_engine(each, with_poison) for each in bugs]),
    ]
