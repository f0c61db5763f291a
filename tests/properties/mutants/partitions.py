"""Bugs in a partition: its order, clock, agenda and limits, and how other rules take it over."""

from tests.properties.mutating import Mutant

PARTITION = [
    Mutant(
        "the clock goes back",
        "partition",
        "self.clock = max(self.clock, min(record.at, record.timestamp) - self.settings.grace)",
        "self.clock = min(record.at, record.timestamp) - self.settings.grace",
    ),
    Mutant(
        "the clock believes the customer",
        "partition",
        "min(record.at, record.timestamp)",
        "record.at",
    ),
    Mutant("the wall clock has no grace", "partition", "now - self.settings.grace", "now"),
    Mutant(
        "a record fires up to the clock only",
        "partition",
        "max(record.at, self.clock))\n",
        "self.clock)\n",
    ),
    Mutant(
        "ties of topics are reversed", "inputs", "each.head_at < best.head_at", "each.head_at <= best.head_at"
    ),
    Mutant(
        "a topic that may have more is not waited for",
        "inputs",
        "self.waiting = best is not None and best.runs[0].stamp > confirmed",
        "self.waiting = False",
    ),
    Mutant(
        "an old answer counts",
        "inputs",
        "best is not None and best.runs[0].stamp > confirmed",
        "best is not None and confirmed < 0",
    ),
    Mutant(
        "caught up with records in hand",
        "inputs",
        "return not self.runs and self.end == self.expected",
        "return self.end == self.expected",
    ),
    Mutant("a run seen before is taken again", "inputs", "if record.offset >= expected]", "if True]"),
    Mutant("a run too far ahead is taken", "inputs", "if start > each.expected:", "if False:"),
    Mutant("the agenda is lost in a restart", "partition", "Agenda(dues)", "Agenda()"),
    Mutant(
        "the agenda forgets those to be forgotten",
        "state",
        "HEADER.pack(customer.due(plan.retention)",
        "HEADER.pack(min(customer.dues.values(), default=1 << 62)",
    ),
    Mutant(
        "what is due sooner is not armed",
        "due",
        "if due < self._armed.get(key, NEVER):",
        "if due < NEVER and key not in self._armed:",
    ),
    Mutant(
        "the members are not counted in a restart",
        "partition",
        "self._machine.members[self._position.layouts[layout].ids[place]] += 1",
        "pass",
    ),
    Mutant(
        "beyond the limit is one too late",
        "customer",
        "if customer.entries < limit:",
        "if customer.entries <= limit:",
    ),
    Mutant("entries are not counted", "machine", "customer.entries += 1", "pass"),
    Mutant(
        "what is no longer needed counts",
        "remember",
        "return bisect_right(kept[0], now - stream.keep)",
        "return 0",
    ),
    Mutant(
        "what is no longer needed of a key counts",
        "customer",
        "total + len(ends) - bisect_right(ends, now)",
        "total + len(ends)",
    ),
    Mutant("what came since is not counted", "remember", "insort(ends, end)", "pass"),
    Mutant(
        "what was added to a key is not last",
        "takes",
        '"g.pop(k, None)"',
        '"g.get(k)"',
    ),
    Mutant(
        "late events are in neither record",
        "machine",
        "if at <= customer.sealed:\n            customer.sealed = BEFORE_ALL",
        "pass",
    ),
    Mutant(
        "a visit that goes on is in both records",
        "remember",
        "if visits else len(older[0])",
        "if not older[0] else len(older[0])",
    ),
    Mutant(
        "the latest of a key is in both records",
        "remember",
        "part if latest or before is None",
        "part if before is None",
    ),
    Mutant("the latest is in both records", "remember", "    if latest:\n        return newer\n", ""),
    Mutant(
        "later visits are told by their starts",
        "remember",
        "kept[-1 if visits else 0], after",
        "kept[0], after",
    ),
    Mutant(
        "a bug undoes all since the last commit", "customers", "_redo(fresh, customer.log, machine)", "pass"
    ),
    Mutant("who is full is so for longer", "customer", "[over - 1]", "[-1]"),
    Mutant(
        "a bug undoes nothing",
        "partition",
        "self._customers.undo(customer, mark, self._machine)\n            self._refuse",
        "self._refuse",
    ),
]

CHANGES = [
    Mutant(
        "a sweep does a customer twice",
        "partition",
        "del self._sweep.left[:most]",
        "del self._sweep.left[:most - 1 or 1]",
    ),
    Mutant(
        "one taken over has no state to go back to",
        "change",
        "customer.base = whole(customer, self._rules.plan, self._position.current)",
        "pass",
    ),
    Mutant("taken over at the clock alone", "change", "max(customer.instant, clock)", "clock"),
    Mutant(
        "the clock runs on in a sweep",
        "partition",
        "and now is not None and self._sweep is None",
        "and now is not None",
    ),
    Mutant(
        "a new measure knows what was before",
        "position",
        "if any(since > BEFORE_ALL for since in known.values()):",
        "if False:",
    ),
    Mutant(
        "a measure that goes on forgets",
        "position",
        "last.known.get(measure, position.clock)",
        "position.clock",
    ),
    Mutant(
        "a stay begins anew with another rule",
        "change",
        "customer.episodes[now] = episode",
        "customer.episodes[now] = (episode[0], customer.instant)",
    ),
    Mutant("what goes on has lost its wakes", "change", "customer.dues[now] = due", "pass"),
    Mutant(
        "a removed rule is not left",
        "change",
        "for place in old.episodes if layout.ids[place] not in rules.ids}",
        "for place in old.episodes if False}",
    ),
    Mutant(
        "a rule changed is said to be new",
        "change",
        '"rule_changed" if name in known else "rule_added"',
        '"rule_added"',
    ),
]
