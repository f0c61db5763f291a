"""The pure machine for a customer: `(remembered state, event or instant) -> (state, flips, next instant)`.

Everything that a customer does goes through `evaluate`: one evaluation at one instant, at most one flip for each
segment. Hot path: plain loops over bits; a rule that an event cannot flip is not looked at.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from segments.engine.customer import Customer
from segments.engine.evidence import evidence
from segments.engine.flips import Cause, cause_of, memberships, segment_event, valid_until
from segments.engine.records import BEFORE_ALL, CLICKSTREAM, NEVER, PROFILES, Effects, Record
from segments.engine.rules import RuleSet
from segments.engine.takes import OTHER

Reason = str | Callable[[int], str]
"""The reason of a flip, perhaps by the place of its rule."""


class Machine:
    """The customers of one partition, one at a time. What it emits is added to `out`."""

    def __init__(self, rules: RuleSet, partition: int) -> None:
        self.rules = rules
        self.partition = partition
        self.out = Effects()
        self.members: Counter[str] = Counter()
        """The members of each segment in this partition."""
        self._take = rules.compiled.take
        self._other = rules.compiled.take[OTHER]
        self._take_transaction = rules.compiled.take_transaction
        self._retention = rules.plan.retention

    def fire(self, customer: Customer, before: int) -> None:
        """Flip what is due before an instant, each at its own, and then forget, if that is due."""
        while (due := customer.due(self._retention)) < before:
            if customer.dues and min(customer.dues.values()) == due:
                self.fire_at(customer, due)
            else:
                self._forget(customer)

    def fire_at(self, customer: Customer, instant: int, only: int = -1) -> None:
        """Evaluate what is due at an instant; `only`: of these rules."""
        self.evaluate(customer, _due_by(customer, instant) & only, instant, "timer", None, only)

    def apply(self, customer: Customer, record: Record) -> None:
        """Remember a click, a transaction or a profile, and flip what it flips."""
        event: dict[str, Any] = record.event  # type: ignore[assignment]
        at = record.at
        late = at < customer.instant
        self.out.late += late
        now = customer.instant if late else at
        customer.instant = now
        if at <= customer.sealed:
            customer.sealed = BEFORE_ALL
        reason: Reason = "late_event" if late else "event"
        if record.topic == PROFILES:
            touched, reason = self._replace_profile(customer, event, late)
        else:
            if record.topic == CLICKSTREAM:
                touched = self._take.get(event["kind"], self._other)(customer, event, at, now)
            else:
                touched = self._take_transaction[event["kind"]](customer, event, at, now)
            if customer.latest is None:
                customer.latest = at
                customer.next = min(customer.next, at + self._retention)
            elif at > customer.latest:
                customer.latest = at
        self._recognise(customer, record)
        if customer.next <= now:
            touched |= _due_by(customer, now)
        if touched:
            self.evaluate(customer, touched, now, reason, record)

    def erase(self, customer: Customer, record: Record) -> None:
        """Leave every segment, and forget everything but that."""
        instant = max(record.timestamp, customer.instant, customer.erased_at or record.timestamp)
        inside, episodes = sorted(customer.episodes, key=self.rules.rank.__getitem__), customer.episodes
        nothing = Customer(customer.key, len(customer.streams), customer.known)
        nothing.sequence = customer.sequence
        for place in inside:
            nothing.sequence += 1
            self._emit(
                nothing,
                place,
                "exit",
                instant,
                episodes[place][0],
                "erasure",
                cause_of(self.partition, record),
            )
        if nothing.sequence:
            self.out.memberships.append((customer.key, None))
        self.remember_erasure(customer, instant)

    def remember_erasure(self, customer: Customer, erased_at: int) -> None:
        """Keep an erasure, though all else is forgotten: as long as older events could still come."""
        customer.clear(erased_at)
        customer.next = customer.due(self._retention)

    def evaluate(
        self,
        customer: Customer,
        touched: int,
        now: int,
        reason: Reason,
        record: Record | None,
        only: int = -1,
    ) -> None:
        """One evaluation: rules in order of dependency, flips in the order of segment ids, then the memberships."""
        flipped = self.flip(customer, touched, now, only)
        if flipped:
            cause = None if record is None else cause_of(self.partition, record)
            customer.instant = now
            flipped.sort(key=self.rules.rank.__getitem__)
            for place in flipped:
                told = reason if isinstance(reason, str) else reason(place)
                self.announce(customer, place, now, told, cause)
            self.out.memberships.append((customer.key, memberships(self.rules, customer, now)))

    def flip(self, customer: Customer, touched: int, now: int, only: int = -1) -> list[int]:
        """Find which of the touched rules flip, and when time alone may flip each of them next."""
        rules, readers, flipped = self.rules.compiled.rules, self.rules.readers, []
        dues, exact, left = customer.dues, customer.exact, touched
        customer.at = now
        while left:
            bit = left & -left
            left ^= bit
            place = bit.bit_length() - 1
            holds, due = rules[place](customer, now)
            if holds != (customer.inside & bit != 0):
                flipped.append(place)
                customer.inside ^= bit
                left |= readers[place] & only
            if exact:
                exact.pop(place, None)
            if due < NEVER:
                dues[place] = due
                customer.next = min(customer.next, due)
            elif place in dues:
                del dues[place]
        return flipped

    def announce(self, customer: Customer, place: int, now: int, reason: str, cause: Cause) -> None:
        """Emit the enter or exit of a segment whose bit was just flipped."""
        customer.sequence += 1
        if customer.inside >> place & 1:
            customer.episodes[place] = (customer.sequence, now)
            self._emit(customer, place, "enter", now, customer.sequence, reason, cause)
        else:
            episode = customer.episodes.pop(place)[0]
            self._emit(customer, place, "exit", now, episode, reason, cause)

    def _emit(
        self,
        customer: Customer,
        place: int,
        transition: str,
        now: int,
        episode: int,
        reason: str,
        cause: Cause,
    ) -> None:
        segment = self.rules.ids[place]
        self.members[segment] += 1 if transition == "enter" else -1
        event = segment_event(
            customer,
            segment,
            self.rules.versions[place],
            transition,
            now,
            episode,
            reason,
            cause,
            evidence(self.rules, place, customer, now),
            valid_until(self.rules, customer, place, now),
        )
        self.out.segment_events.append((customer.key, event))

    def _forget(self, customer: Customer) -> None:
        if customer.sequence:
            self.out.memberships.append((customer.key, None))
        customer.clear()

    def _recognise(self, customer: Customer, record: Record) -> None:
        customer.full_from = customer.full_until = BEFORE_ALL
        digest, ids = record.digest, customer.ids
        assert digest is not None, "a record is screened before it is applied"
        if digest in ids:
            del ids[digest]
        ids[digest] = customer.instant
        customer.entries += 1

    def _replace_profile(self, customer: Customer, event: dict[str, Any], late: bool) -> tuple[int, Reason]:
        """A profile is whole: it replaces the one held."""
        old, new = customer.consents, event["consents"]
        changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
        customer.profile, customer.consents, customer.profile_at = (
            event["attributes"],
            new,
            event["occurred_at"],
        )

        def reason(place: int) -> str:
            if late:
                return "late_event"
            return "profile" if changed.isdisjoint(self.rules.consents[place]) else "consent"

        return self.rules.of_profile, reason


def _due_by(customer: Customer, instant: int) -> int:
    """The rules that time alone flips at or before an instant, as bits."""
    if not customer.dues or min(customer.dues.values()) > instant:
        return 0
    return sum(1 << place for place, due in customer.dues.items() if due <= instant)
