"""What customers did while they were in a segment, and outside of it, from the input topics.

A customer is in from just after an enter up to and including the exit: the purchase that makes somebody a high-value
customer is outside, the one that ends an abandoned cart is inside.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from operator import add

from segments.insight.outcomes.past import CLICK, ON_SITE, OPEN, PURCHASE, Past, Settled
from segments.insight.outcomes.period import ALWAYS, MILLISECONDS_OF_A_DAY, NEVER, Count, Period
from segments.insight.outcomes.stays import Span, Stay, length_of, spans_of

DAYS = (30, 60, 90)
"""After an enter at which retention is looked at."""
LOOKED_BACK = 30 * MILLISECONDS_OF_A_DAY
ALL_MONTHS = 0
"""In place of a month: the episodes of all of them."""


@dataclass(frozen=True, slots=True)
class Shares:
    """One customer as a whole, within the period."""

    settled: Settled
    since: int
    """From then on the customer counts: the period, the topics and the first record reach so far."""
    orders: int
    cents: int

    def known(self, period: Period) -> int:
        """Milliseconds of the period in which the customer was known."""
        return max(0, period.until - self.since)


@dataclass(slots=True)
class Whole:
    """All customers with a record in an input topic."""

    customers: int = 0
    known: Count = field(default_factory=Count)
    """Milliseconds of the period from the first record of each customer on."""
    orders: Count = field(default_factory=Count)
    cents: int = 0

    def take(self, past: Past, period: Period) -> Shares:
        """One more customer."""
        settled = past.settled()
        own = [each for each in settled.orders if period.since <= each[0] < period.until]
        shares = Shares(
            settled,
            max(settled.first, period.since, past.reach),
            sum(kind == PURCHASE for _, kind, _ in own),
            money(own),
        )
        self.customers += settled.first <= period.until
        self.known.add(shares.known(period))
        self.orders.add(shares.orders)
        self.cents += shares.cents
        return shares

    def join(self, other: "Whole") -> None:
        """Other customers."""
        self.customers += other.customers
        self.known.join(other.known)
        self.orders.join(other.orders)
        self.cents += other.cents


def money(orders: Sequence[tuple[int, int, int]]) -> int:
    """Purchases less refunds, in cents."""
    return sum(cents if kind == PURCHASE else -cents for _, kind, cents in orders)


@dataclass(slots=True)
class Retained:
    """How many customers did something again, of the episodes that are old enough."""

    episodes: Count = field(default_factory=Count)
    active: Count = field(default_factory=Count)

    def join(self, other: "Retained") -> None:
        """Those of other customers."""
        self.episodes.join(other.episodes)
        self.active.join(other.active)


@dataclass(slots=True)
class OfInputs:
    """What the members of one segment did."""

    inside: Count = field(default_factory=Count)
    """Milliseconds of memberships."""
    covered: int = 0
    """Of these, milliseconds in which the inputs know the customer."""
    never_outside: int = 0
    """Customers who were in all the time that the inputs know them."""
    orders: Count = field(default_factory=Count)
    cents: int = 0
    engagement: dict[int, Count] = field(default_factory=lambda: defaultdict(Count))
    """Visits as ON_SITE, OPEN and CLICK, while in."""
    retained: dict[tuple[int, int], Retained] = field(default_factory=lambda: defaultdict(Retained))
    """By month of the enter (see `month_of`), or ALL_MONTHS, and days."""
    beyond: Count = field(default_factory=Count)
    """Looks at retention for which the topics do not reach back far enough."""
    scores: list[int] = field(default_factory=lambda: [0] * 11)
    """Customers by their last score."""

    def take(
        self,
        past: Past,
        stays: Sequence[Stay],
        period: Period,
        shares: Shares,
        zone: tzinfo = UTC,
    ) -> None:
        """One more customer who was ever in."""
        settled, spans = (
            shares.settled,
            [(max(first, past.erased_at), last) for first, last in spans_of(stays) if last > past.erased_at],
        )
        begin = max(period.since, past.reach, shares.since if spans and spans[0][0] == ALWAYS else ALWAYS)
        self.inside.add(length_of(spans, begin, period.until))
        covered = length_of(spans, shares.since, period.until)
        self.covered += covered
        self.never_outside += 0 < shares.known(period) == covered

        def holds(at: int) -> bool:
            return period.holds(at) and _within(spans, at)

        own = [each for each in settled.orders if holds(each[0])]
        self.orders.add(sum(kind == PURCHASE for _, kind, _ in own))
        self.cents += money(own)
        self.engagement[ON_SITE].add(sum(map(holds, settled.visits())))
        for kind in (OPEN, CLICK):
            of = [at for at, each in zip(settled.instants, settled.kinds, strict=True) if each == kind]
            self.engagement[kind].add(sum(map(holds, of)))
        scores = [score for at, score in settled.scores if holds(at)]
        if scores:
            self.scores[scores[-1]] += 1
        self._retain(past, settled, stays, period, lambda at: month_of(at, zone))

    def _retain(
        self, past: Past, settled: Settled, stays: Sequence[Stay], period: Period, month: Callable[[int], int]
    ) -> None:
        looks: dict[tuple[int, int], list[bool]] = defaultdict(list)
        beyond = 0
        for stay in stays:
            counts = stay.reason is not None and period.own(stay.reason) and period.holds(stay.entered_at)
            if not counts or stay.entered_at <= past.erased_at:
                continue
            for days in DAYS:
                end = stay.entered_at + days * MILLISECONDS_OF_A_DAY
                if end > period.now:
                    continue
                if end - LOOKED_BACK < past.reach:
                    beyond += 1
                else:
                    active = settled.any_in(end - LOOKED_BACK, end)
                    looks[month(stay.entered_at), days].append(active)
                    looks[ALL_MONTHS, days].append(active)
        self.beyond.add(beyond)
        for key, found in looks.items():
            self.retained[key].episodes.add(len(found))
            self.retained[key].active.add(sum(found))

    def join(self, other: "OfInputs") -> None:
        """The same of other customers."""
        self.inside.join(other.inside)
        self.covered += other.covered
        self.never_outside += other.never_outside
        self.orders.join(other.orders)
        self.cents += other.cents
        for kind, count in other.engagement.items():
            self.engagement[kind].join(count)
        for key, found in other.retained.items():
            self.retained[key].join(found)
        self.beyond.join(other.beyond)
        self.scores = list(map(add, self.scores, other.scores))

    def outside(self, whole: Whole) -> Count:
        """Milliseconds that customers were known and not in, those who never were in included."""
        return Count(whole.known.times - self.covered, whole.known.customers - self.never_outside)


def month_of(at: int, zone: tzinfo) -> int:
    """Months since the year 0 of an instant."""
    moment = datetime.fromtimestamp(at / 1000, zone)
    return moment.year * 12 + moment.month - 1


def _within(spans: Sequence[Span], at: int) -> bool:
    """Whether an instant lies in (first, last] of one of these spans, which ascend."""
    place = bisect_right(spans, (at - 1, NEVER)) - 1
    return place >= 0 and spans[place][0] < at <= spans[place][1]
