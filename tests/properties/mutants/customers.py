"""Bugs in the life of a customer: what flips, how it is told, what is forgotten and what is ignored."""

from tests.properties.mutating import Mutant

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
        "the instant of a flip is not searched for anew",
        "machine",
        "            if exact:\n                exact.pop(place, None)\n",
        "",
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
        "elif at > customer.latest:",
        "else:",
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
        "self.remember_erasure(customer, instant)\n",
        "self.remember_erasure(customer, instant)\n        customer.sequence = nothing.sequence\n",
    ),
    Mutant(
        "an erasure is forgotten at once",
        "machine",
        "self.remember_erasure(customer, instant)\n",
        "customer.clear()\n",
    ),
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
        "max(customer.instant, record.at) < seen + DAY",
        "record.at < seen + DAY",
    ),
    Mutant("an id is one in all topics", "customer", 'f"{topic}\\0{event_id}"', "event_id"),
    Mutant("ids are not written", "state", 'b"".join(islice(reversed(ids), len(seen)))', 'b""'),
    Mutant(
        "ids are forgotten too early",
        "customer",
        "if seen + DAY > self.instant:",
        "if seen + DAY // 2 > self.instant:",
    ),
]
