"""The customers of a partition at work: decoded once, encoded once for each commit, and undone if the engine has a bug.

Copying a customer before each event would cost more than the event. Instead the bytes last encoded and a log of what
was done since are kept: undoing decodes those bytes and does the log again. That is slow, and happens when there is a
bug.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from segments.engine.customer import Customer
from segments.engine.machine import Machine
from segments.engine.records import OLDER, Effects
from segments.engine.rules import RuleSet
from segments.engine.state import decode, encode

LIVE = 4_000
"""Customers decoded in one generation, of which there are two: at most twice as many stay decoded between commits.

Of all partitions together, whoever owns them: each has its share, or `SHARE_AT_LEAST`.
"""

SHARE_AT_LEAST = 100

CHANGED = 20_000
"""Customers changed since the last commit, who are all decoded, of all partitions together: each has its share of
them, or `CHANGED_AT_LEAST`, and is `full` then."""

CHANGED_AT_LEAST = 500

Mark = tuple[int, int]
"""How many segment events and memberships there were before a step."""


class States(Protocol):
    """The committed states of a partition."""

    def get(self, key: bytes) -> bytes | None:
        """The state of a key, None if there is none."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All of them, in any order."""


class Customers:
    """Those of one partition who were looked at, and those who changed since the last commit."""

    def __init__(self, states: States, rules: RuleSet, known: list[int] | None, partitions: int) -> None:
        self._states, self._plan, self._known = states, rules.plan, known
        self._most = max(SHARE_AT_LEAST, LIVE // partitions)
        self._full = max(CHANGED_AT_LEAST, CHANGED // partitions)
        self.live: dict[bytes, Customer] = {}
        self._before: dict[bytes, Customer] = {}
        """The generation before: who is not asked for while the next one fills is dropped."""
        self.changed: dict[bytes, Customer] = {}

    @property
    def full(self) -> bool:
        """So many have changed that they should be committed, for the memory that they occupy."""
        return len(self.changed) >= self._full

    def find(self, key: bytes) -> Customer | None:
        """A customer, None if nothing is remembered."""
        customer = self.live.get(key)
        if customer is None:
            customer = self._before.pop(key, None)
            if customer is not None:
                self.live[key] = customer
                return customer
            data = self._states.get(key)
            if data is None:
                return None
            customer = self.live[key] = decode(
                key, data, len(self._plan.streams), self._known, self._states.get
            )
        return customer

    def take(self, key: bytes) -> Customer:
        """A customer who may be changed, a new one if nothing is remembered; `keep` says that they were."""
        customer = self.find(key)
        if customer is None:
            customer = self.live[key] = self._new(key)
        return customer

    def keep(self, customer: Customer) -> None:
        """Have this object stand for the customer from now on."""
        self.live[customer.key] = self.changed[customer.key] = customer

    def write(self, layout: int) -> dict[bytes, bytes | None]:
        """The changed customers as bytes; None for those of whom nothing is remembered any more."""
        states: dict[bytes, bytes | None] = {}
        for key, customer in self.changed.items():
            customer.log.clear()
            if customer.blank and customer.base is None:
                continue
            data, older = (None, None) if customer.blank else encode(customer, self._plan, layout)
            states[key] = customer.base = data
            if older is not customer.older:
                states[key + OLDER] = customer.older = older
        if len(self.live) > self._most:
            self._before, self.live = self.live, {}
        self.changed = {}
        return states

    def mark(self, machine: Machine) -> Mark:
        """Where the output stands before a step that may have to be undone."""
        return len(machine.out.segment_events), len(machine.out.memberships)

    def undo(self, customer: Customer, mark: Mark, machine: Machine) -> Customer:
        """The customer as before the last step: from the bytes last encoded, doing again what was done since."""
        out, members = machine.out, machine.members
        for _, event in out.segment_events[mark[0] :]:
            members[event["segment"]] -= 1 if event["transition"] == "enter" else -1
        del out.segment_events[mark[0] :], out.memberships[mark[1] :]
        fresh = self._new(customer.key)
        if customer.base is not None:
            fresh = decode(
                customer.key,
                customer.base,
                len(self._plan.streams),
                self._known,
                lambda _key: customer.older,
            )
        machine.out, machine.members = Effects(), Counter()
        _redo(fresh, customer.log, machine)
        fresh.log, fresh.older = customer.log, customer.older
        fresh.next = fresh.due(self._plan.retention)
        machine.out, machine.members = out, members
        self.keep(fresh)
        return fresh

    def _new(self, key: bytes) -> Customer:
        return Customer(key, len(self._plan.streams), self._known)


def _redo(customer: Customer, log: list[tuple[str, Any]], machine: Machine) -> None:
    steps: dict[str, Callable[[Customer, Any], None]] = {
        "fire": machine.fire,
        "apply": machine.apply,
        "erase": machine.erase,
        "remember_erasure": machine.remember_erasure,
    }
    for step, argument in log:
        steps[step](customer, argument)
