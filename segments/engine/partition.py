"""One partition: records, "this input is caught up" and "it is now" go in, effects come out.

It merges the inputs, keeps the clock, finds what is due, recognises duplicates and bad input; it does no I/O, reads no
clock, never awaits. The worker, `segments replay`, the simulation and the tests drive this same object.
"""

from collections import Counter
from collections.abc import Mapping

from segments.engine import admission
from segments.engine.change import Sweep
from segments.engine.customer import Customer
from segments.engine.customers import LIVE, Customers, States
from segments.engine.due import Agenda
from segments.engine.inputs import Inputs
from segments.engine.machine import Machine
from segments.engine.murmur import partition_of
from segments.engine.position import Position
from segments.engine.records import (
    BEFORE_ALL,
    NEVER,
    POSITION_KEY,
    DeadLetter,
    Effects,
    EngineSettings,
    Record,
    Refusal,
    of_customer,
)
from segments.engine.rules import RuleSet
from segments.engine.screening import Screening
from segments.engine.state import header
from segments.engine.views import CustomerView, WhyView, customer_view, why_view


class Partition:
    """The state machine of one partition; `states` must be restored before it is made."""

    def __init__(
        self, number: int, count: int, rules: RuleSet, settings: EngineSettings, states: States
    ) -> None:
        self.number, self.count, self.rules, self.settings = number, count, rules, settings
        self._states = states
        self._machine = Machine(rules, number)
        self._screening = Screening(rules.plan, settings, self._machine)
        self._position = Position.read(states.get(POSITION_KEY), rules, count)
        self.clock = self._position.clock
        """In milliseconds; `BEFORE_ALL` until something was applied."""
        self._inputs = Inputs(self._position.offsets, self._refusal)
        self._customers = Customers(states, rules, self._position.known, count)
        self._retention = rules.plan.retention
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._begun = False
        self._scan()

    def _scan(self) -> None:
        """One look at every header: what is due, who is where, and who is still in the layout of another rule set."""
        dues, old = [], []
        for key, data in self._states.items():
            if not of_customer(key):
                continue
            due, layout, places = header(data)
            for place in places:
                self._machine.members[self._position.layouts[layout].ids[place]] += 1
            if layout == self._position.current:
                dues.append((due, key))
            else:
                old.append(key)
        self._agenda = Agenda(dues)
        self._sweep = Sweep(self._position, self.rules, sorted(old)) if old else None

    @property
    def offsets(self) -> dict[str, int]:
        """The next offset expected by topic; a topic never read is absent."""
        return dict(self._inputs.offsets)

    @property
    def stamp(self) -> int:
        """Grows with every accepted run."""
        return self._inputs.stamp

    @property
    def waiting(self) -> bool:
        """Records wait for a `confirm`."""
        return self._inputs.waiting

    @property
    def next_due(self) -> int | None:
        """The earliest instant at which time alone may do something; may be early."""
        return self._agenda.next()

    @property
    def full(self) -> bool:
        """So many customers have changed that they should be committed, for the memory that they occupy."""
        return self._customers.full

    @property
    def members(self) -> Counter[str]:
        """The customers in each segment."""
        return self._machine.members

    @property
    def pending(self) -> int:
        """Customers to whom time alone will do something."""
        return len(self._agenda)

    @property
    def sweeping(self) -> int:
        """Customers that the new rule set has yet to take over."""
        return 0 if self._sweep is None else len(self._sweep.left)

    def begin(self, topic: str, offset: int) -> None:
        """Say where reading of a topic begins that was never read."""
        self._inputs.begin(topic, offset)
        self._begun = True

    def refuse(self, topic: str, offset: int, refusal: Refusal, *, outright: bool) -> None:
        """Refuse a record that is still to come; of a profile, unless `outright`, as if it were over a limit."""
        self._screening.told[topic, offset] = refusal, outright

    def offer(self, topic: str, start: int, records: list[Record], end: int) -> int | None:
        """Take in a fetched run covering offsets [start, end).

        Returns None if it is accepted (or was seen already), else the offset to fetch again: something was skipped.
        """
        missing = self._inputs.offer(topic, start, records, end)
        if missing is not None:
            self._machine.out.gaps += 1
        return missing

    def confirm(self, ends: Mapping[str, int], stamp: int, now: int | None) -> None:
        """Note the read-committed end offsets asked for at a stamp, and the wall clock read before asking.

        While another rule set takes over, the clock stays as it was committed: all are taken over at that one.
        """
        if self._inputs.confirm(ends, stamp) and now is not None and self._sweep is None:
            self.clock = max(self.clock, now - self.settings.grace)

    def buffered(self, topic: str) -> int:
        """How many records of a topic wait."""
        return self._inputs.buffered(topic)

    def advance(self, records: int = 5000) -> bool:
        """Apply up to so many records and flips by time. True: more can be done at once."""
        if self._sweep is not None:
            self._take_over(records)
            return True
        taken = 0
        while taken < records and (head := self._inputs.next()) is not None:
            self._take(*head)
            taken += 1
        return taken == records or self._fire_due(records, self.clock)

    def until(self, instant: int) -> None:
        """Fire everything due up to and including an instant: the end of a replay or a line of a story."""
        while self._sweep is not None:
            self._take_over(LIVE)
        while self._fire_due(LIVE, instant + 1):
            pass

    def take(self) -> Effects | None:
        """Everything since the last time, to be committed as a whole; None if nothing changed."""
        out = self._machine.out
        offsets = self._inputs.offsets
        changed = (
            self._customers.changed or out.dead_letters or self._outcomes or offsets != self._position.offsets
        )
        if not changed and not out.gaps and not out.engine_errors and self._position.written:
            return None
        out.states |= self._customers.write(self._position.current)
        out.outcomes, self._outcomes = self._outcomes, Counter()
        out.reasons = Counter(letter.reason for letter in out.dead_letters)
        out.offsets, out.clock = dict(offsets), self.clock
        out.states[POSITION_KEY] = self._position.write(offsets, self.clock, swept=self._sweep is None)
        self._machine.out = Effects()
        return out

    @property
    def known_since(self) -> dict[str, int]:
        """For each measure that did not know events from the beginning: the instant from which it does."""
        known = self._position.layouts[self._position.current].known
        return {measure: since for measure, since in known.items() if since > BEFORE_ALL}

    def customer(self, key: bytes) -> CustomerView | None:
        """What is remembered of a customer, None if nothing is."""
        return customer_view(self.rules, self._customers.find(key))

    def why(self, key: bytes, at: int = BEFORE_ALL) -> WhyView:
        """All rules asked about a customer, as of the clock or `at`, if that is later."""
        return why_view(self.rules, key, self._customers.find(key), max(self.clock, at))

    def _refusal(self, record: Record) -> Refusal | None:
        """Why a record is refused without looking at the customer's state."""
        refusal = admission.refusal(record)
        if refusal is None and self._screening.told:
            refusal = self._screening.told_to_refuse(record)
        if refusal is not None or record.key is None or self.count == 1:
            return refusal
        if record.key in self._customers.live or partition_of(record.key, self.count) == self.number:
            return None
        return Refusal(
            "wrong_partition", f"The key belongs to partition {partition_of(record.key, self.count)}."
        )

    def _take(self, record: Record, refusal: Refusal | None) -> None:
        """One record: steps 1 to 4 of SEMANTICS.md, section 3."""
        if refusal is not None:
            self._refuse(record, refusal)
            return
        key: bytes = record.key  # type: ignore[assignment]
        customer = self._fire(self._customers.take(key), self.clock)
        outcome, refusal, record = self._screening.of(customer, record, self.clock)
        if refusal is not None:
            self._refuse(record, refusal)
        if outcome is None:
            if record.event is not None:
                self.clock = max(self.clock, min(record.at, record.timestamp) - self.settings.grace)
            erased = customer.erased_at
            customer = self._fire(customer, max(record.at, self.clock))
            if erased is not None and customer.blank and erased + self._retention >= self.clock:
                self._machine.remember_erasure(customer, erased)
                customer.log.append(("remember_erasure", erased))
                self._customers.keep(customer)
            outcome = self._apply(customer, record)
        if outcome != "dead_letter":
            self._outcomes[record.topic, outcome] += 1
        self._agenda.put(key, self._customers.live[key].next)

    def _apply(self, customer: Customer, record: Record) -> str:
        """Step (4): a bug in the engine undoes it and nothing else."""
        mark = self._customers.mark(self._machine)
        act = self._machine.erase if record.event is None else self._machine.apply
        try:
            act(customer, record)
        except Exception as error:  # noqa: BLE001 - whatever the bug is, neighbours go on
            self._customers.undo(customer, mark, self._machine)
            self._refuse(record, Refusal("engine_error", f"{type(error).__name__}: {error}"))
            return "dead_letter"
        customer.log.append((act.__name__, record))
        self._customers.keep(customer)
        self._screening.notice_currency(record)
        return "applied"

    def _fire(self, customer: Customer, before: int) -> Customer:
        """Flip what is due by time; a bug is counted, and the customer left as they are until their next record."""
        if customer.next >= before:
            return customer
        customer.next = customer.due(self._retention)
        if customer.next >= before:
            return customer
        mark = self._customers.mark(self._machine)
        try:
            self._machine.fire(customer, before)
        except Exception:  # noqa: BLE001 - as above
            self._machine.out.engine_errors += 1
            return self._customers.undo(customer, mark, self._machine)
        customer.log.append(("fire", before))
        customer.next = customer.due(self._retention)
        self._customers.keep(customer)
        return customer

    def _refuse(self, record: Record, refusal: Refusal) -> None:
        letter = DeadLetter(record, refusal.reason, admission.short(refusal.error))
        self._machine.out.dead_letters.append(letter)
        self._outcomes[record.topic, "dead_letter"] += 1

    def _fire_due(self, most: int, before: int) -> bool:
        """Fire what is due before an instant, customer by customer. True: there is more."""
        if before <= BEFORE_ALL:
            return False
        for _ in range(most):
            key = self._agenda.pop(before)
            if key is None:
                return False
            customer = self._customers.find(key)
            if customer is None:
                continue
            due = customer.next = customer.due(self._retention)
            if due < before:
                self._machine.out.lateness.append(max(0, before - due))
                errors = self._machine.out.engine_errors
                customer = self._fire(customer, before)
                due = NEVER if self._machine.out.engine_errors > errors else customer.next
            self._agenda.put(key, due)
        return True

    def _take_over(self, most: int) -> None:
        """Let the new rule set take over some customers, in the order of their keys, before anything else happens."""
        assert self._sweep is not None
        for key in self._sweep.left[:most]:
            data = self._states.get(key)
            if data is not None:
                customer = self._sweep.take_over(key, data, self._states.get, self._machine, self.clock)
                self._customers.keep(customer)
                customer.next = customer.due(self._retention)
                self._agenda.put(key, customer.next)
        del self._sweep.left[:most]
        if not self._sweep.left:
            self._sweep = None
