"""Customers of an experiment by arm: each once for each value of the segment, with the first episode."""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import add, attrgetter
from typing import NamedTuple

from segments.insight.outcomes.period import NEVER, Count, Period
from segments.insight.outcomes.stays import Stay

STEPS = 48
"""Parts of the window in which a goal may come first: half an hour of a day, three and a half hours of a week."""
CONTROL, TREATED, MIXED = "control", "treated", "mixed"
ORDER = attrgetter("entered_at", "episode")
"""Of the outcomes of a customer."""

Experiment = tuple[str, str]
"""Name, and the percentage of customers in the control group."""


class Outcome(NamedTuple):
    """What came of an enter, as far as it is known; instants in milliseconds."""

    segment: str
    value: str | None
    entered_as: str
    entered_at: int
    episode: int
    matured: bool
    reason: str
    arm: str | None
    experiment: Experiment | None
    goal: str
    first_goal_at: int | None
    occurred_at: int
    goals: int
    cents: int | None

    @property
    def window(self) -> int:
        """Of the goal, in milliseconds; of an outcome that has matured."""
        return self.occurred_at - self.entered_at

    @property
    def step(self) -> int:
        """In which part of the window the goal came first."""
        passed = (self.first_goal_at or self.entered_at) - self.entered_at
        return min(STEPS - 1, max(0, passed * STEPS // max(1, self.window)))


@dataclass(slots=True)
class Arm:
    """Those of one arm whose first episode has matured, once for each value of the segment."""

    mature: Count = field(default_factory=Count)
    converted: Count = field(default_factory=Count)
    cents: int = 0
    squares: int = 0
    """Of cents."""
    steps: list[int] = field(default_factory=lambda: [0] * STEPS)
    """How many reached the goal first in each part of the window."""

    def take(self, customer: Sequence[Outcome]) -> None:
        """One more customer, with the outcome of each value."""
        self.mature.add(len(customer))
        converted = 0
        for each in customer:
            if each.cents:
                self.cents, self.squares = self.cents + each.cents, self.squares + each.cents * each.cents
            if each.goals:
                converted += 1
                self.steps[each.step] += 1
        if converted:
            self.converted.add(converted)

    def join(self, other: "Arm") -> None:
        """Other customers of the same arm."""
        self.mature.join(other.mature)
        self.converted.join(other.converted)
        self.cents += other.cents
        self.squares += other.squares
        self.steps = list(map(add, self.steps, other.steps))


@dataclass(slots=True)
class OfExperiment:
    """Sums of an experiment in one segment."""

    first: int = NEVER
    latest: int = -NEVER
    """The first and the latest enter of which an outcome is known."""
    drawn: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Customers by the arm that their own id drew, mature or not; MIXED: those of both arms who became one."""
    arms: dict[tuple[str, str], Arm] = field(default_factory=lambda: defaultdict(Arm))
    """By goal and arm."""

    def saw(self, at: int) -> None:
        """An outcome is known of an enter at this instant."""
        if not self.first <= at <= self.latest:
            self.first, self.latest = min(self.first, at), max(self.latest, at)

    def join(self, other: "OfExperiment") -> None:
        """The same of other customers."""
        self.first, self.latest = min(self.first, other.first), max(self.latest, other.latest)
        for name, customers in other.drawn.items():
            self.drawn[name] += customers
        for key, arm in other.arms.items():
            self.arms[key].join(arm)


class OfExperiments:
    """The experiments of one segment."""

    def __init__(self) -> None:
        self.found: dict[Experiment, OfExperiment] = defaultdict(OfExperiment)
        self.open: dict[tuple[Experiment | None, str], array[int]] = defaultdict(partial(array, "q"))
        """Enters of customers without an outcome since, by the experiment of their latest outcome, and arm."""

    def take(self, customer: str, outcomes: Sequence[Outcome], stays: Sequence[Stay], period: Period) -> None:
        """One more customer: the outcomes that are known, and all stays in this segment, in order of their enters.

        After a merge a customer has outcomes of enters of another id, which is one of the two that were drawn: each id
        counts once among the drawn, by its own outcomes and stays, whoever has the outcome now.
        """
        count = self._alone if len(outcomes) == 1 else self._several
        latest = count(customer, outcomes, stays, period)
        if not stays:
            return
        since = None if latest is None else latest.entered_at
        for stay in stays:
            at, arm, reason = stay.entered_at, stay.arm, stay.reason
            if arm is None or reason is None or (since is not None and at <= since) or not period.own(reason):
                continue
            if period.holds(at):
                self.open[None if latest is None else latest.experiment, arm].append(at)
            break

    def join(self, other: "OfExperiments") -> None:
        """The same of other customers."""
        for experiment, found in other.found.items():
            self.found[experiment].join(found)
        for key, enters in other.open.items():
            self.open[key].extend(enters)

    def _alone(
        self, customer: str, outcomes: Sequence[Outcome], stays: Sequence[Stay], period: Period
    ) -> Outcome | None:
        """The only outcome of a customer, and most have one: the same as `_several`, without tables."""
        (each,) = outcomes
        if each.experiment is None:
            return None
        found, at = self.found[each.experiment], each.entered_at
        found.saw(at)
        own = each.entered_as == customer
        if each.arm is not None and period.holds(at) and period.own(each.reason):
            arm: str | None = each.arm
            if arm == MIXED:
                found.drawn[MIXED] += 1
                arm = drawn_arm(each, stays)
            if own and arm is not None:
                found.drawn[arm] += 1
            if each.matured:
                found.arms[each.goal, each.arm].take((each,))
        return each if own else None

    def _several(
        self, customer: str, outcomes: Sequence[Outcome], stays: Sequence[Stay], period: Period
    ) -> Outcome | None:
        first: dict[tuple[Experiment, str | None], Outcome] = {}
        own: dict[tuple[Experiment, str | None], Outcome] = {}
        latest: Outcome | None = None
        for each in sorted(outcomes, key=ORDER):
            if each.experiment is None:
                continue
            self.found[each.experiment].saw(each.entered_at)
            mine = each.entered_as == customer
            latest = each if mine else latest
            if period.own(each.reason):
                first.setdefault((each.experiment, each.value), each)
                if mine:
                    own.setdefault((each.experiment, each.value), each)
        self._draw(own, stays, period)
        self._count(first, period)
        return latest

    def _draw(
        self,
        own: Mapping[tuple[Experiment, str | None], Outcome],
        stays: Sequence[Stay],
        period: Period,
    ) -> None:
        drawn: dict[Experiment, str] = {}
        for (experiment, _), each in own.items():
            arm = drawn_arm(each, stays) if period.holds(each.entered_at) else None
            if arm is not None:
                drawn.setdefault(experiment, arm)
        for experiment, arm in drawn.items():
            self.found[experiment].drawn[arm] += 1

    def _count(self, first: Mapping[tuple[Experiment, str | None], Outcome], period: Period) -> None:
        counted: dict[tuple[Experiment, str, str], list[Outcome]] = {}
        mixed = set()
        for (experiment, _), each in first.items():
            if each.arm is None or not period.holds(each.entered_at):
                continue
            if each.arm == MIXED:
                mixed.add(experiment)
            if each.matured:
                counted.setdefault((experiment, each.goal, each.arm), []).append(each)
        for experiment in mixed:
            self.found[experiment].drawn[MIXED] += 1
        for (experiment, goal, arm), outcomes in counted.items():
            self.found[experiment].arms[goal, arm].take(outcomes)

    @property
    def present(self) -> Experiment | None:
        """The one of the latest enter of which an outcome is known; of several, the last by name."""
        return max(self.found, key=lambda each: (self.found[each].latest, each), default=None)

    def drawn(self, experiment: Experiment) -> dict[str, int]:
        """Customers by arm whose first episode began in the period, whether an outcome is known of it or not.

        Those of whom none is known count from the first enter on of which the topics tell that it is this experiment's;
        where there was no other one, all of them.
        """
        found = self.found[experiment]
        since = found.first if len(self.found) > 1 else -NEVER
        counts = dict(found.drawn)
        for (latest, arm), enters in self.open.items():
            if latest != experiment:
                counts[arm] = counts.get(arm, 0) + sum(at >= since for at in enters)
        return counts


def drawn_arm(each: Outcome, stays: Sequence[Stay]) -> str | None:
    """The arm that the id of an enter drew; None: it became one with another arm, and its enter is no longer known."""
    if each.arm != MIXED:
        return each.arm
    enter = each.value, each.entered_at, each.episode
    return next((stay.arm for stay in stays if (stay.value, stay.entered_at, stay.episode) == enter), None)
