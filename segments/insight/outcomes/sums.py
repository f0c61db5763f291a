"""The sums of a report, fed customer by customer; of a customer nothing is kept but instants without a name."""

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from operator import add

from segments.insight.outcomes.arms import OfExperiments, Outcome
from segments.insight.outcomes.inside import OfInputs, Whole
from segments.insight.outcomes.past import Past
from segments.insight.outcomes.period import ALWAYS, LEFT_OUT, NEVER, Count, Period
from segments.insight.outcomes.stays import Flip, Membership, Stay, spans_of, stays_of
from segments.insight.outcomes.waiting import Waiting

NO_STAYS: Mapping[str, Sequence[Stay]] = {}
"""Of a customer without enters."""


@dataclass(slots=True)
class OfGoal:
    """What came of the enters that were watched for one goal."""

    mature: Count = field(default_factory=Count)
    converted: Count = field(default_factory=Count)
    cents: int = 0
    has_revenue: bool = False
    latest: int = ALWAYS
    """The latest enter."""
    matured: tuple[int, int] = (ALWAYS, 0)
    """The latest enter whose outcome has matured, and the milliseconds from the one to the other."""

    @property
    def window(self) -> int:
        """Milliseconds; 0: none has matured."""
        return self.matured[1]

    def saw(self, each: Outcome) -> None:
        """An outcome, whether it counts or not."""
        at = each.entered_at
        self.latest = max(self.latest, at)
        if each.matured:
            latest = self.matured[0]
            if at > latest:
                self.matured = at, each.occurred_at - at
            elif at == latest:
                self.matured = max(self.matured, (at, each.window))

    def take(self, customer: Sequence[Outcome]) -> None:
        """The outcomes of one more customer that have matured and count."""
        self.mature.add(len(customer))
        converted = 0
        for each in customer:
            if each.goals > 0:
                converted += 1
            cents = each.cents
            if cents is not None:
                self.has_revenue = True
                self.cents += cents
        if converted:
            self.converted.add(converted)

    def join(self, other: "OfGoal") -> None:
        """What came of the enters of other customers."""
        self.mature.join(other.mature)
        self.converted.join(other.converted)
        self.cents += other.cents
        self.has_revenue |= other.has_revenue
        self.latest, self.matured = max(self.latest, other.latest), max(self.matured, other.matured)


@dataclass(slots=True)
class OfSegment:
    """What is known of a segment."""

    entered: Count = field(default_factory=Count)
    """Enters that count."""
    entered_by: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    """All of them, by reason."""
    left_out: Count = field(default_factory=Count)
    left: Count = field(default_factory=Count)
    left_by: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    has_values: bool = False
    """Whether a customer can be in it several times at once."""
    members: int = 0
    """Customers at the end of the period."""
    stays: "array[int]" = field(default_factory=lambda: array("q"))
    """Twice the milliseconds, and one more where the stay has ended."""
    stayed: Count = field(default_factory=Count)
    over_time: list[int] = field(default_factory=list)
    """By how many the customers who are in changed before each instant of the chart."""
    goals: dict[str, OfGoal] = field(default_factory=lambda: defaultdict(OfGoal))
    waiting: Waiting = field(default_factory=Waiting)
    experiments: OfExperiments = field(default_factory=OfExperiments)
    inputs: OfInputs = field(default_factory=OfInputs)

    def join(self, other: "OfSegment") -> None:
        """The same of other customers, of other partitions."""
        self.entered.join(other.entered)
        self.left_out.join(other.left_out)
        self.left.join(other.left)
        for own, counts in ((self.entered_by, other.entered_by), (self.left_by, other.left_by)):
            for reason, count in counts.items():
                own[reason].join(count)
        self.has_values |= other.has_values
        self.members += other.members
        self.stays.extend(other.stays)
        self.stayed.join(other.stayed)
        self.over_time = list(map(add, self.over_time, other.over_time))
        for name, goal in other.goals.items():
            self.goals[name].join(goal)
        self.waiting.join(other.waiting)
        self.experiments.join(other.experiments)
        self.inputs.join(other.inputs)


class Sums:
    """The sums of all segments, or of those that are wanted."""

    def __init__(
        self,
        period: Period,
        instants: Sequence[int] = (),
        segments: Iterable[str] = (),
        zone: tzinfo = UTC,
    ) -> None:
        """For a chart of members at `instants`, which ascend; no segments: all of them. Months are those of `zone`."""
        self.period, self.instants, self.wanted, self.zone = period, instants, frozenset(segments), zone
        self.found: dict[str, OfSegment] = {}
        self.whole = Whole()
        self._told_until = NEVER

    def apart(self) -> "Sums":
        """The same sums of nobody, for partitions that are read elsewhere."""
        return Sums(self.period, self.instants, self.wanted, self.zone)

    def join(self, other: "Sums") -> None:
        """Add the sums of other partitions; which of them come first makes no difference."""
        self.whole.join(other.whole)
        for segment, found in other.found.items():
            self.of(segment).join(found)

    def of(self, segment: str) -> OfSegment:
        """The sums of a segment."""
        if segment not in self.found:
            self.found[segment] = OfSegment(over_time=[0] * (len(self.instants) + 1))
        return self.found[segment]

    def part(self, told_until: int) -> None:
        """Another partition begins, whose outcomes tell all that matured up to this instant."""
        for found in self.found.values():
            found.waiting.part(told_until)
        self._told_until = told_until

    def take(
        self,
        customer: str,
        flips: Sequence[Flip] = (),
        held: Sequence[Membership] = (),
        outcomes: Sequence[Outcome] = (),
        past: Past | None = None,
    ) -> Mapping[str, Sequence[Stay]]:
        """One more customer: all that the topics tell. Flips and outcomes come in the order of their topic.

        Gives the customer's stays by segment.
        """
        stays: Mapping[str, Sequence[Stay]] = stays_of(flips, held) if flips or held else NO_STAYS
        told: Mapping[str, Sequence[Outcome]] = (
            {outcomes[0].segment: outcomes} if len(outcomes) == 1 else _by_segment(outcomes)
        )
        erased_at = ALWAYS
        for own in stays.values():
            for stay in own:
                if stay.left_by == "erasure":
                    erased_at = max(erased_at, stay.left_at)
        for segment in {**stays, **told} if stays else told:
            if self.wanted and segment not in self.wanted:
                continue
            found = self.found.get(segment) or self._begun(segment)
            own, came = stays.get(segment, ()), told.get(segment, ())
            if own:
                self._stays(found, own)
            if came:
                self._outcomes(found, came)
            found.waiting.take(customer, came, own, self.period, erased_at)
            found.experiments.take(customer, came, own, self.period)
        if past is not None:
            self.did(past, stays)
        return stays

    def did(self, past: Past, stays: Mapping[str, Sequence[Stay]]) -> None:
        """What one more customer did, and when they were in; of ids that became one customer, under all of them."""
        shares = self.whole.take(past, self.period)
        for segment, own in stays.items():
            if not self.wanted or segment in self.wanted:
                self._begun(segment).inputs.take(past, own, self.period, shares, self.zone)

    def _begun(self, segment: str) -> OfSegment:
        fresh = segment not in self.found
        found = self.of(segment)
        if fresh:
            found.waiting.part(self._told_until)
        return found

    def _stays(self, found: OfSegment, stays: Sequence[Stay]) -> None:
        since, until, every = self.period.since, self.period.until, self.period.every
        entered: dict[str, int] = {}
        left: dict[str, int] = {}
        lengths, is_in = 0, False
        for value, entered_at, left_at, reason, left_by, _, _ in stays:
            if value is not None:
                found.has_values = True
            if entered_at <= until < left_at:
                is_in = True
            if reason is not None and since <= entered_at < until:
                entered[reason] = entered.get(reason, 0) + 1
                if every or reason not in LEFT_OUT:
                    lengths += 1
                    ended = left_at <= until
                    found.stays.append(2 * ((left_at if ended else until) - entered_at) + ended)
            if left_by is not None and since <= left_at < until:
                left[left_by] = left.get(left_by, 0) + 1
        found.members += is_in
        if entered:
            _add(found.entered_by, entered)
            found.entered.add(lengths)
            found.stayed.add(lengths)
            found.left_out.add(sum(entered.values()) - lengths)
        if left:
            _add(found.left_by, left)
            found.left.add(sum(left.values()))
        for first, last in spans_of(stays):
            found.over_time[bisect_left(self.instants, first)] += 1
            found.over_time[bisect_left(self.instants, last)] -= 1

    def _outcomes(self, found: OfSegment, outcomes: Sequence[Outcome]) -> None:
        period, goals = self.period, found.goals
        counted: dict[str, list[Outcome]] = {}
        for each in outcomes:
            goal = goals[each.goal]
            goal.saw(each)
            if each.matured and period.holds(each.entered_at) and period.own(each.reason):
                if len(outcomes) == 1:
                    goal.take(outcomes)
                else:
                    counted.setdefault(each.goal, []).append(each)
        for name, own in counted.items():
            goals[name].take(own)


def _by_segment(outcomes: Sequence[Outcome]) -> Mapping[str, Sequence[Outcome]]:
    found: dict[str, list[Outcome]] = {}
    for each in _latest(outcomes):
        found.setdefault(each.segment, []).append(each)
    return found


def _latest(outcomes: Sequence[Outcome]) -> Iterable[Outcome]:
    """Of each watch the outcome that tells most: the one that matured."""
    found: dict[tuple[str, str | None, str, int, int], Outcome] = {}
    for each in outcomes:
        key = each.segment, each.value, each.entered_as, each.entered_at, each.episode
        if each.matured or key not in found:
            found[key] = each
    return found.values()


def _add(counts: dict[str, Count], customer: Mapping[str, int]) -> None:
    for reason, times in customer.items():
        counts[reason].add(times)
