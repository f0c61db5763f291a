"""The figures of a report again: slowly, step by step, from what really happened to invented customers.

Everything happens at whole steps of ten hours, so that a step is all in or all out; "hour" stands for a step.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from hypothesis import strategies as st

HOUR = 36_000_000
"""Milliseconds of a step."""
DAYS_30 = 72
GAP = 6
"""Steps between two instants at which something may happen: few enough for much to happen at once."""
WINDOW = 48
NOW = 240
"""Steps that an invented history lasts: 100 days, so that retention at 90 days is known of some."""
SWITCH = 120
"""The hour at which the percentage of the experiment changes, which drops the open watches."""
GOAL = "purchase.within(days=20)"
OWN = ("event", "timer", "late_event", "borders")
KEYS = (("a", None), ("b", "x"), ("b", "y"))


@dataclass
class Watch:
    """What comes of an enter."""

    begin: int
    episode: int
    reason: str
    experiment: tuple
    goals: list = field(default_factory=list)
    state: str = "open"

    def record(self, customer, key, kind, at):
        """As it is published."""
        return {
            "customer_id": customer.name,
            "entered_as": customer.name,
            "segment": key[0],
            "value": key[1],
            "episode": self.episode,
            "kind": kind,
            "reason": self.reason,
            "arm": customer.arm,
            "experiment": self.experiment[0],
            "control": self.experiment[1],
            "goal": GOAL,
            "entered_at": self.begin * HOUR,
            "first_goal_at": self.goals[0][0] * HOUR if self.goals else None,
            "occurred_at": at * HOUR,
            "goals": len(self.goals),
            "revenue": sum(cents for _, cents in self.goals),
        }


class Customer:
    """Lives through the hours, and writes down what the topics would hold and what is true."""

    def __init__(self, name, arm, moves, purchases, clicks, erased):
        self.name, self.arm = name, arm
        self.purchases, self.clicks = purchases, clicks
        self.events, self.outcomes, self.watches, self.inside = [], [], defaultdict(list), {}
        self.hours = defaultdict(set)
        """By key, the hours h for which the customer was in from h to h + 1."""
        self.stays = defaultdict(list)
        self.erased = None
        self.sequence = 0
        for hour in range(NOW + 1):
            self._pass(hour, moves, erased)
        for key, stay in self.inside.items():
            self.stays[key].append([*stay, None, None])

    def _pass(self, hour, moves, erased):
        for key, watches in sorted(self.watches.items(), key=str):
            for watch in watches:
                if watch.state == "open" and hour == watch.begin + WINDOW:
                    watch.state = "matured"
                    self.outcomes.append(watch.record(self, key, "matured", hour))
                elif watch.state == "open" and hour in self.purchases and hour > watch.begin:
                    watch.goals.append((hour, self.purchases[hour]))
                    if len(watch.goals) == 1:
                        self.outcomes.append(watch.record(self, key, "converted", hour))
        if hour == SWITCH:
            self._drop("switched")
        if hour == erased and self.inside and self.erased is None:
            for key in list(self.inside):
                self._leave(key, hour, "erasure")
            self._drop("erased")
            self.erased = hour
        elif hour in moves:
            key, reason = moves[hour]
            if key in self.inside:
                self._leave(key, hour, reason)
            else:
                self._enter(key, hour, reason)
        for key in self.inside:
            self.hours[key].add(hour)

    def _drop(self, state):
        for watch in (each for watches in self.watches.values() for each in watches):
            if watch.state == "open":
                watch.state = state

    def _enter(self, key, hour, reason):
        self.sequence += 1
        self.inside[key] = [hour, reason, self.sequence]
        self._event(key, hour, "enter", reason, self.sequence)
        if all(each.state != "open" for each in self.watches[key]):
            experiment = ("trial", "10" if hour < SWITCH else "20")
            self.watches[key].append(Watch(hour, self.sequence, reason, experiment))

    def _leave(self, key, hour, reason):
        self.sequence += 1
        entered = self.inside.pop(key)
        self.stays[key].append([*entered, hour, reason])
        self._event(key, hour, "exit", reason, entered[2])

    def _event(self, key, hour, transition, reason, episode):
        self.events.append(
            {
                "customer_id": self.name,
                "segment": key[0],
                "value": key[1],
                "transition": transition,
                "occurred_at": hour * HOUR,
                "reason": reason,
                "episode": episode,
                "arm": self.arm,
            }
        )

    def memberships(self):
        """The last record."""
        held = [
            {"segment": key[0], "value": key[1], "entered_at": stay[0] * HOUR}
            for key, stay in self.inside.items()
        ]
        return {"segments": held} if held else None


@st.composite
def customers(draw, name):
    """A customer of whom anything may happen."""
    hours = st.integers(1, NOW // GAP).map(lambda number: number * GAP)
    reasons = st.sampled_from((*OWN, "rule_added", "rule_changed", "merged"))
    moves = draw(st.dictionaries(hours, st.tuples(st.sampled_from(KEYS), reasons), max_size=12))
    purchases = draw(st.dictionaries(hours, st.integers(0, 5_000), max_size=6))
    clicks = draw(st.sets(hours, max_size=6))
    erased = draw(st.one_of(st.none(), st.none(), hours))
    return Customer(name, draw(st.sampled_from(("control", "treated"))), moves, purchases, clicks, erased)


@st.composite
def histories(draw):
    """Customers in two partitions, and a period."""
    count = draw(st.integers(1, 6))
    people = [draw(customers(f"c{number}")) for number in range(count)]
    since = draw(st.integers(0, NOW // 2))
    return people, since, draw(st.integers(since + 1, NOW + 1)), draw(st.booleans())


class Slow:
    """The figures of one segment, by definition."""

    def __init__(self, people, segment, since, until, every):
        self.people, self.segment, self.since, self.until, self.every = people, segment, since, until, every
        self.keys = [key for key in KEYS if key[0] == segment]

    def counts(self, reason):
        """Whether an enter with this reason counts."""
        return self.every or reason not in ("rule_added", "rule_changed", "merged")

    def holds(self, hour):
        """Whether an hour is in the period."""
        return self.since <= hour < self.until

    def stays(self):
        """Each stay, with its customer."""
        for person in self.people:
            for key in self.keys:
                for entered, reason, episode, left, left_by in person.stays[key]:
                    yield person, key, entered, reason, episode, left, left_by

    def flips(self):
        """Enters that count, those that don't, and exits by reason."""
        entered = [self.counts(reason) for _, _, at, reason, _, _, _ in self.stays() if self.holds(at)]
        left = Counter(by for *_, at, by in self.stays() if at is not None and self.holds(at))
        return sum(entered), len(entered) - sum(entered), left

    def is_in(self, person, hour):
        """Whether a customer is in during the hour that begins then."""
        if hour > NOW:
            return any(key in person.inside for key in self.keys)
        return any(hour in person.hours[key] for key in self.keys)

    def members(self, hour):
        """How many customers are in."""
        return sum(self.is_in(person, hour) for person in self.people)

    def survival(self):
        """The Kaplan-Meier median, in hours: at each length the share of those who stayed on of those who could leave."""
        lengths = []
        for _, _, at, reason, _, left, _ in self.stays():
            if self.holds(at) and self.counts(reason):
                ended = left is not None and left <= self.until
                lengths.append(((left if ended else self.until) - at, ended))
        alive = Fraction(1)
        for length in sorted({each for each, ended in lengths if ended}):
            at_risk = sum(each >= length for each, _ in lengths)
            alive *= 1 - Fraction(sum(each == (length, True) for each in lengths), at_risk)
            if alive <= Fraction(1, 2):
                return length
        return None

    def watches(self):
        """Each watch that counts and can be told, with its customer."""
        for person in self.people:
            for key in self.keys:
                for watch in person.watches[key]:
                    if unseen(watch, person.watches[key]):
                        continue
                    if self.holds(watch.begin) and self.counts(watch.reason):
                        yield person, watch

    def came_of_it(self):
        """Mature, converted, cents, not mature yet, dropped. What a changed rule drops is known once its window is over."""
        states = [(watch.state, watch) for _, watch in self.watches()]
        mature = [watch for state, watch in states if state == "matured"]
        late = [watch.begin + WINDOW <= NOW for state, watch in states if state == "switched"]
        waiting = sum(state == "open" for state, _ in states) + late.count(False)
        dropped = sum(state == "erased" for state, _ in states) + late.count(True)
        return (
            len(mature),
            sum(bool(watch.goals) for watch in mature),
            sum(cents for watch in mature for _, cents in watch.goals),
            waiting,
            dropped,
        )

    def arms(self, percent):
        """By arm: units that count, converted, cents, sum of squares of cents."""
        found = {"control": [0, 0, 0, 0], "treated": [0, 0, 0, 0]}
        for person in self.people:
            for key in self.keys:
                known = [each for each in person.watches[key] if each.experiment[1] == percent]
                known = [each for each in known if self.counts(each.reason) and told(each)]
                if not known or not self.holds(known[0].begin) or known[0].state != "matured":
                    continue
                cents = sum(each for _, each in known[0].goals)
                for place, more in enumerate((1, bool(known[0].goals), cents, cents * cents)):
                    found[person.arm][place] += more
        return found

    def inside(self):
        """Hours inside, orders and cents in and in all, hours outside, and engagement."""
        hours = outside = orders = cents = every_order = every_cent = 0
        for person in self.people:
            records = [
                hour
                for hour in (*person.purchases, *person.clicks)
                if person.erased is None or hour > person.erased
            ]
            span = range(self.since, min(self.until, NOW + 1))
            gone = -1 if person.erased is None else person.erased
            inside = {hour for hour in span if hour >= gone and self.is_in(person, hour)}
            hours += len(inside)
            if records:
                outside += sum(hour >= min(records) and hour not in inside for hour in span)
            for hour, amount in person.purchases.items():
                if hour in records and self.holds(hour):
                    every_order, every_cent = every_order + 1, every_cent + amount
                    if hour - 1 >= gone and self.is_in(person, hour - 1):
                        orders, cents = orders + 1, cents + amount
        return hours, outside, orders, cents, every_order, every_cent

    def retention(self, days):
        """Episodes that are old enough, and those after which something happened in the 30 days before."""
        looked = active = 0
        for person, _, at, reason, _, _, _ in self.stays():
            if not self.holds(at) or not self.counts(reason) or at + days * DAYS_30 // 30 > NOW:
                continue
            if person.erased is not None and at <= person.erased:
                continue
            looked += 1
            end = at + days * DAYS_30 // 30
            done = [
                h for h in (*person.purchases, *person.clicks) if person.erased is None or h > person.erased
            ]
            active += any(end - DAYS_30 < hour <= end for hour in done)
        return looked, active


def told(watch):
    """Whether an outcome was published."""
    return watch.state == "matured" or watch.goals


def unseen(watch, watches):
    """Whether nothing tells it from an enter while the one before is open: neither has an outcome, and a rule changed."""
    before = [
        each
        for each in watches
        if each.state == "switched" and each.begin < watch.begin < each.begin + WINDOW
    ]
    return bool(before) and not told(watch) and not any(told(each) for each in before)
