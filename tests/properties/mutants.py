"""Bugs that one could well write: each must be caught by the properties."""

from .mutating import Mutant

WINDOWS = [
    Mutant(
        "a window includes its end",
        "compile",
        '"floor = now - {events.window or 0}"',
        '"floor = now - {(events.window or 0) + 1}"',
    ),
    Mutant(
        "a window ends a millisecond early",
        "compile",
        '"floor = now - {events.window or 0}"',
        '"floor = now - {(events.window or 0) - 1}"',
    ),
    Mutant("since lets ties in", "compile", 'floor: floor = r[0][-1]"', 'floor: floor = r[0][-1] - 1"'),
    Mutant(
        "since the same value lets ties in", "compile", 'low: low = q[0][-1]"', 'low: low = q[0][-1] - 1"'
    ),
    Mutant("more than is at least", "kernels", '">": (k + 1, True)', '">": (k, True)'),
    Mutant(
        "idle crosses its bound a millisecond late",
        "kernels",
        "{step} > now: return {at} + {bound} + {step}\\n",
        "{step} > now: return {at} + {bound} + {step} + 1\\n",
    ),
    Mutant(
        "idle forgets the end of its window",
        "kernels",
        "{crossings}return {at} + {window}",
        "{crossings}return NEVER",
    ),
    Mutant(
        "a count forgets the end of its window",
        "kernels",
        'f"return s[0][-{k}] + {window} if {reached} else NEVER"',
        '"return NEVER"',
    ),
    Mutant(
        "a value expires a millisecond late",
        "kernels",
        "return s[0][j] + {window} if j < len",
        "return s[0][j] + {window} + 1 if j < len",
    ),
    Mutant(
        "a sum falls a millisecond late",
        "kernels",
        "{text}: return s[0][j] + {window}\\n",
        "{text}: return s[0][j] + {window} + 1\\n",
    ),
    Mutant("a sum does not fall to its bound", "kernels", '{">=": "<", ">": "<=",', '{">=": "<", ">": "<",'),
    Mutant(
        "a mean is divided to whole numbers",
        "kernels",
        "return sum(values) {leaf.operator} {text} * len(values)",
        "return sum(values) // len(values) {leaf.operator} {text}",
    ),
    Mutant(
        "nothing counts as a value",
        "kernels",
        "if not values: return False\\n{_compared(subject",
        "if not values: return True\\n{_compared(subject",
    ),
    Mutant(
        "a combination of conditions is not looked at again",
        "tree",
        "return last if blocked else first",
        "return NEVER if blocked else first",
    ),
    Mutant(
        "until is ignored while inside", "tree", 'body = f"if {inside}: return {stay}\\n    {body}"', "pass"
    ),
    Mutant(
        "the wake of until is that of when",
        "tree",
        'f"now = {within} if inside else {outside}"',
        'f"now = {outside}"',
    ),
]
EVENTS = [
    Mutant("a late event is dropped", "takes", "else: merge(s, t, ({values}))", "else: pass"),
    Mutant(
        "of a tie the first is the last",
        "takes",
        "elif t >= s[0][-1]: {target}",
        "elif t > s[0][-1]: {target}",
    ),
    Mutant(
        "a late event goes to the end",
        "remember",
        "index = bisect_right(stream[0], at)\n",
        "index = len(stream[0])\n",
    ),
    Mutant("the keys of by are not told of an event", "takes", "c.held[{number}].stale.add(k)", "pass"),
    Mutant("the keys of by are not told of a reset", "takes", "c.held.pop({number}, None)", "pass"),
    Mutant(
        "what is kept of by goes stale a millisecond late",
        "keyed",
        "if not self.stale and now < self.soonest",
        "if not self.stale and now <= self.soonest",
    ),
    Mutant(
        "forgets an event too early",
        "takes",
        'prune(s, now - {stream.keep})"\n    )',
        'prune(s, now - {stream.keep} + 1)"\n    )',
    ),
    Mutant("money of other currencies counts", "source", "({text} if money else None)", "({text})"),
    Mutant(
        "events without the field are kept",
        "plan",
        '("mean", "max", "min", "last")',
        '("mean", "max", "min")',
    ),
    Mutant("the latest is all that is kept", "plan", "held.latest and latest", "held.latest or latest"),
    Mutant(
        "resets are kept too short",
        "plan",
        "None, (), window, latest=True",
        "None, (), window // 2, latest=True",
    ),
    Mutant(
        "visits are remembered without their gap",
        "plan",
        '(SESSION_GAP if events.name == "visit" else 0)',
        "0",
    ),
    Mutant(
        "a late event does not join two visits",
        "remember",
        "return _join_next(stream, index)",
        "return False",
    ),
    Mutant(
        "a visit begins a millisecond after the gap",
        "remember",
        "at < ends[index] + SESSION_GAP",
        "at <= ends[index] + SESSION_GAP",
    ),
    Mutant(
        "a late event does not begin a visit earlier",
        "remember",
        "if index + 1 < len(starts) and",
        "if False and",
    ),
    Mutant(
        "a visit is pruned while it may be joined",
        "remember",
        "bisect_right(stream[-1], until - SESSION_GAP)",
        "bisect_right(stream[-1], until)",
    ),
]
FLIPS = [
    Mutant(
        "the evidence is of the largest key", "evidence", "= min(held, key=lambda", "= max(held, key=lambda"
    ),
    Mutant("a mean is cut off", "evidence", "quotient += 1", "pass"),
    Mutant(
        "a mean is rounded half up", "evidence", "2 * rest == count and quotient % 2", "2 * rest == count"
    ),
    Mutant(
        "until comes first in the evidence",
        "rules",
        "(*leaves(segment.when), *leaves(segment.until))",
        "(*leaves(segment.until), *leaves(segment.when))",
    ),
    Mutant(
        "valid until a millisecond late",
        "flips",
        "None if instant >= NEVER else instant",
        "None if instant >= NEVER else instant + 1",
    ),
    Mutant(
        "valid until a millisecond early",
        "flips",
        "None if instant >= NEVER else instant",
        "None if instant >= NEVER else instant - 1",
    ),
    Mutant(
        "flips come in the order of reading",
        "machine",
        "flipped.sort(key=self.rules.rank.__getitem__)",
        "pass",
    ),
    Mutant("readers of a segment are not evaluated", "machine", "left |= readers[place] & only", "pass"),
    Mutant(
        "a wake once armed is not moved", "machine", "dues[place] = due\n", "dues.setdefault(place, due)\n"
    ),
    Mutant(
        "what is due at the clock fires",
        "machine",
        "(due := customer.due(self._retention)) < before",
        "(due := customer.due(self._retention)) <= before",
    ),
    Mutant("what is due at the very instant waits", "machine", "touched |= _due_by(customer, now)", "pass"),
    Mutant(
        "a wake that flips nothing moves the customer",
        "machine",
        "flipped = self.flip(customer, touched, now, only)\n        if flipped:",
        "flipped = self.flip(customer, touched, now, only)\n        customer.instant = now\n        if flipped:",
    ),
    Mutant("a tie is late", "machine", "late = at < customer.instant", "late = at <= customer.instant"),
    Mutant(
        "a late event is of its own instant", "machine", "now = customer.instant if late else at", "now = at"
    ),
    Mutant(
        "the reason is consent whatever changed",
        "machine",
        "changed.isdisjoint(self.rules.consents[place])",
        "not changed",
    ),
    Mutant(
        "a consent taken back is no change", "machine", "for name in {*old, *new} if", "for name in {*new} if"
    ),
]
FORGETTING = [
    Mutant(
        "a late event brings forgetting forward",
        "machine",
        "if customer.latest is None or at > customer.latest:",
        "if True:",
    ),
    Mutant(
        "an erasure is of its own instant",
        "machine",
        "max(record.timestamp, customer.instant, customer.erased_at or record.timestamp)",
        "record.timestamp",
    ),
    Mutant(
        "exits of an erasure come in any order",
        "machine",
        "sorted(customer.episodes, key=self.rules.rank.__getitem__), customer.episodes",
        "list(customer.episodes), customer.episodes",
    ),
    Mutant(
        "the sequence goes on after an erasure",
        "machine",
        "customer.clear(instant)\n",
        "customer.clear(instant)\n        customer.sequence = nothing.sequence\n",
    ),
    Mutant("an erasure is forgotten at once", "machine", "customer.clear(instant)\n", "customer.clear()\n"),
    Mutant(
        "nobody is told of the forgotten",
        "machine",
        "if customer.sequence:\n            self.out.memberships.append((customer.key, None))",
        "if False:\n            pass",
    ),
    Mutant(
        "forgotten a millisecond early",
        "customer",
        "return self.latest + retention",
        "return self.latest + retention - 1",
    ),
    Mutant("forgotten while there is a profile", "customer", "if self.profile_at is not None:", "if False:"),
    Mutant("what happened at the erasure is applied", "admission", "at <= erased and", "at < erased and"),
    Mutant(
        "an erasure is remembered too short",
        "admission",
        "erased + retention >= clock:\n        return True",
        "erased + retention > clock:\n        return True",
    ),
    Mutant(
        "an older profile replaces the one held",
        "admission",
        "customer.profile_at is not None and at < customer.profile_at",
        "False",
    ),
    Mutant(
        "a profile of the same instant is ignored",
        "admission",
        "at < customer.profile_at",
        "at <= customer.profile_at",
    ),
    Mutant(
        "ignored a millisecond early",
        "admission",
        "return at + retention < clock",
        "return at + retention <= clock",
    ),
    Mutant("a duplicate is recognised for too long", "admission", "< seen + DAY", "<= seen + DAY"),
    Mutant(
        "a duplicate is recognised in its own time",
        "admission",
        "max(customer.instant, at) < seen + DAY",
        "at < seen + DAY",
    ),
    Mutant("an id is one in all topics", "customer", 'f"{topic}\\0{event_id}"', "event_id"),
    Mutant("ids are not written", "customer", "list(customer.ids.values())", "[]"),
    Mutant(
        "ids are forgotten too early",
        "customer",
        "if seen + DAY > self.instant:",
        "if seen + DAY // 2 > self.instant:",
    ),
]
PARTITION = [
    Mutant(
        "the clock goes back",
        "partition",
        "self.clock = max(self.clock, min(occurred_at(record), record.timestamp) - self.settings.grace)",
        "self.clock = min(occurred_at(record), record.timestamp) - self.settings.grace",
    ),
    Mutant(
        "the clock believes the customer",
        "partition",
        "min(occurred_at(record), record.timestamp)",
        "occurred_at(record)",
    ),
    Mutant("the wall clock has no grace", "partition", "now - self.settings.grace", "now"),
    Mutant(
        "a record fires up to the clock only",
        "partition",
        "max(occurred_at(record), self.clock))\n",
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
        "customer",
        "HEADER.pack(customer.due(plan.retention)",
        "HEADER.pack(min(customer.dues.values(), default=NEVER)",
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
        "partition",
        "if held >= self.settings.customer_limit",
        "if held > self.settings.customer_limit",
    ),
    Mutant("entries are not counted", "machine", "customer.entries += 1", "pass"),
    Mutant(
        "what is no longer needed counts",
        "remember",
        "each[0], now - stream.keep) for each in groups)",
        "each[0], 0) for each in groups)",
    ),
    Mutant(
        "a bug undoes all since the last commit", "customers", "_redo(fresh, customer.log, machine)", "pass"
    ),
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
        "customer.base = encode(customer, self._rules.plan, self._position.current)",
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
ALL = [*WINDOWS, *EVENTS, *FLIPS, *FORGETTING, *PARTITION, *CHANGES]
