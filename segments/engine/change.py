"""A new rule set takes over a partition, customer by customer, before anything else happens there."""

from collections.abc import Callable

from segments.engine.customer import Customer
from segments.engine.flips import memberships, segment_event
from segments.engine.machine import Machine
from segments.engine.position import Layout, Position
from segments.engine.remember import Columns, Kept
from segments.engine.rules import RuleSet
from segments.engine.state import decode, header, whole


class Sweep:
    """The customers whom another rule set left behind, and how this one takes them over."""

    def __init__(self, position: Position, rules: RuleSet, left: list[bytes]) -> None:
        self.left = left
        """Their keys, in order."""
        self._position = position
        self._rules = rules

    def take_over(
        self, key: bytes, data: bytes, find: Callable[[bytes], bytes | None], machine: Machine, clock: int
    ) -> Customer:
        """First what goes on fires what is due before the clock; then what changed flips, in one evaluation."""
        layout = self._position.layouts[header(data)[1]]
        old = decode(key, data, len(layout.streams), self._position.known, find)
        customer = self._carried(old, layout)
        same = self._same(layout)
        while customer.dues and min(customer.dues.values()) < clock:
            machine.fire_at(customer, min(customer.dues.values()), same)
        self._flip_changed(customer, old, layout, machine, max(customer.instant, clock), same)
        # From here a bug in the engine is undone; one who is forgotten before the next commit has a state to delete.
        customer.base = whole(customer, self._rules.plan, self._position.current)
        return customer

    def _same(self, layout: Layout) -> int:
        """The rules that go on as they were, as bits."""
        versions = dict(zip(layout.ids, layout.versions, strict=True))
        versions |= dict.fromkeys(layout.filled, "")
        pairs = enumerate(zip(self._rules.ids, self._rules.versions, strict=True))
        return sum(1 << place for place, (name, version) in pairs if versions.get(name) == version)

    def _carried(self, old: Customer, layout: Layout) -> Customer:
        """The customer in the layout of this rule set: measures that go on keep their memory."""
        customer = Customer(old.key, len(self._rules.plan.streams), self._position.known)
        for name in (
            "instant",
            "latest",
            "sequence",
            "profile",
            "profile_at",
            "consents",
            "erased_at",
            "ids",
            "entries",
            "older",
        ):
            setattr(customer, name, getattr(old, name))
        customer.streams = carried(
            old.streams, layout, self._position.layouts[self._position.current], self._rules
        )
        places, same = {name: place for place, name in enumerate(self._rules.ids)}, self._same(layout)
        for before, episode in old.episodes.items():
            if (now := places.get(layout.ids[before])) is not None:
                customer.episodes[now] = episode
                customer.inside |= 1 << now
        for before, due in old.dues.items():
            if (now := places.get(layout.ids[before])) is not None and same >> now & 1:
                customer.dues[now] = due
        return customer

    def _flip_changed(
        self, customer: Customer, old: Customer, layout: Layout, machine: Machine, now: int, same: int
    ) -> None:
        rules, known = self._rules, set(layout.ids) - set(layout.filled)
        everyone = (1 << len(rules.ids)) - 1
        flipped = [] if customer.blank else machine.flip(customer, everyone & ~same, now, everyone & ~same)
        removed = {layout.ids[place]: place for place in old.episodes if layout.ids[place] not in rules.ids}
        for name in sorted([*removed, *(rules.ids[place] for place in flipped)]):
            if name in removed:
                self._leave_removed(customer, name, layout, old.episodes[removed[name]][0], machine, now)
            else:
                reason = "rule_changed" if name in known else "rule_added"
                machine.announce(customer, rules.ids.index(name), now, reason, None)
        if flipped or removed:
            customer.instant = now
            machine.out.memberships.append((customer.key, memberships(rules, customer, now)))

    def _leave_removed(
        self, customer: Customer, name: str, layout: Layout, episode: int, machine: Machine, now: int
    ) -> None:
        """The rule is gone, and with it what it measured: there is no evidence."""
        customer.sequence += 1
        version = layout.versions[layout.ids.index(name)]
        event = segment_event(customer, name, version, "exit", now, episode, "rule_removed", None, [], None)
        machine.members[name] -= 1
        machine.out.segment_events.append((customer.key, event))


def carried(kept: list[Kept], layout: Layout, mine: Layout, rules: RuleSet) -> list[Kept]:
    """What a rule set, whose layout is `mine`, goes on with of the streams that another layout kept."""
    theirs = {identity: place for place, (identity, _) in enumerate(layout.streams)}
    streams: list[Kept] = [None] * len(rules.plan.streams)
    for place, (identity, columns) in enumerate(mine.streams):
        if identity in theirs:
            held, names = kept[theirs[identity]], layout.streams[theirs[identity]][1]
            streams[place] = _converted(held, names, columns, rules, place)
    return streams


def _converted(
    kept: Kept, names: tuple[str, ...], columns: tuple[str, ...], rules: RuleSet, place: int
) -> Kept:
    """A stream with the columns that this rule set reads; what was not kept is missing."""
    stream = rules.plan.streams[place]

    def converted(part: Columns) -> Columns:
        held = dict(zip(names, part[1:], strict=False))
        ends = [part[-1]] if stream.visits else []
        found = [held.get(name) or [None] * len(part[0]) for name in columns]
        whole = [part[0], *found, *ends]
        return [column[-1:] for column in whole] if stream.latest else whole

    if isinstance(kept, dict):
        return {key: converted(part) for key, part in kept.items()}
    return None if kept is None else converted(kept)
