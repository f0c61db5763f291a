"""New measures of a partition are filled from its past, as if they had always been there.

First every state is written anew with what the past has to say, which nothing shows yet: a measure is asked only for
events from its *known since* on. Then the record beside the customers says that the measures know more, in one stroke,
and whoever takes the partition over next sweeps it as for any other change of rules. So a crash at any moment leaves a
state that is right, and filling begins anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from segments.engine.change import carried
from segments.engine.customer import Customer
from segments.engine.customers import States
from segments.engine.merging import merged
from segments.engine.past import Past
from segments.engine.position import Layout, Position
from segments.engine.records import BEFORE_ALL, CLICKSTREAM, OLDER, POSITION_KEY, TRANSACTIONS, of_customer
from segments.engine.rules import RuleSet
from segments.engine.state import decode, header, whole
from segments.language.catalogue import SESSION_GAP, EventSet
from segments.language.nodes.conditions import Comparison
from segments.language.nodes.durations import DAY
from segments.plan.planner import Reader

AT_ONCE = 500
"""States in a transaction."""

EVENTS = (CLICKSTREAM, TRANSACTIONS)
"""The topics of events; profiles are kept whole anyway."""

Complete = Mapping[str, int]
"""For each topic of events, the instant from which on all that occurred is in the history; BEFORE_ALL: all of it."""


def topics_of(events: EventSet) -> tuple[str, ...]:
    """The topics that the events of a set come from."""
    return tuple(topic.name for topic in events.topics)


class Refill:
    """The measures of some rules, and of the rules that these read, in one partition."""

    def __init__(self, states: States, rules: RuleSet, wanted: Sequence[str], count: int) -> None:
        self._states, self._rules = states, rules
        self._position = Position.read(states.get(POSITION_KEY), rules, count)
        known = self._position.layouts[self._position.current].known
        self._readers = list(rules.plan.readers.values())
        asked = _measures(rules, wanted)
        self.missing = {name: since for name, since in known.items() if name in asked and since > BEFORE_ALL}
        """For each measure that does not know all, the instant from which it knows events."""

    @property
    def clock(self) -> int:
        """The clock of the partition, as committed."""
        return self._position.clock

    @property
    def offsets(self) -> dict[str, int]:
        """How far each topic was applied: what came later is left to the worker."""
        return self._position.offsets

    @property
    def since(self) -> int:
        """What occurred before can't matter.

        A customer may stand still for as long as anything is remembered, and looks back from there for as long again;
        what is a duplicate is known for a day.
        """
        return self.clock - 2 * self._rules.plan.retention - DAY

    def known(self, complete: Complete) -> dict[str, int]:
        """For each measure that a history can fill, the instant from which it is known then."""
        found = {}
        for reader in self._readers:
            if reader.measure in self.missing:
                since = max(_complete(name, complete) for name in _sets(reader))
                if since < self.missing[reader.measure]:
                    found[reader.measure] = since
        return found

    def batches(self, past: Past, complete: Complete) -> Iterator[dict[bytes, bytes | None]]:
        """States to be committed, each batch as a whole and in this order."""
        known = self.known(complete)
        if not known:
            return
        fill = _Fill(self._states, self._rules, self._position, past, self._cuts(known, complete))
        yield from fill.states()
        yield {POSITION_KEY: fill.record(known, self._touched(known))}

    def _cuts(self, known: Mapping[str, int], complete: Complete) -> dict[int, int]:
        """The streams to be filled, each with the instant from which on the past knows better."""
        cuts = {}
        for reader in self._readers:
            if reader.measure in known:
                for place in (reader.stream, reader.reset):
                    if place is not None:
                        cuts[place] = _complete(self._rules.plan.streams[place].events, complete)
        return cuts

    def _touched(self, known: Mapping[str, int]) -> tuple[str, ...]:
        """The rules that are to be looked at again, those that read others of them included."""
        rules, touched = self._rules, set[str]()
        for place, leaves in enumerate(rules.leaves):
            measured = {
                rules.plan.readers[id(leaf)].measure for leaf in leaves if isinstance(leaf, Comparison)
            }
            if measured & known.keys() or any(rules.ids[each] in touched for each in rules.reads[place]):
                touched.add(rules.ids[place])
        return tuple(sorted(touched))


class _Fill:
    """Writes the states of a partition anew, in layouts of their own: the rules of old, the streams of these."""

    def __init__(
        self, states: States, rules: RuleSet, position: Position, past: Past, cuts: Mapping[int, int]
    ) -> None:
        self._old, self._rules, self._position, self._past, self._cuts = states, rules, position, past, cuts
        self._mine = position.layouts[position.current]
        written = [number for number in position.layouts if position.written or number != position.current]
        first = max(position.layouts) + 1
        self._numbers = {number: first + place for place, number in enumerate(written)}
        self._record = self._of({}, (), {number: position.layouts[number] for number in written})

    def states(self) -> Iterator[dict[bytes, bytes | None]]:
        """What is remembered, and what only the past remembers, a batch at a time."""
        keys = {key for key, _ in self._old.items()} | self._past.states.keys()
        left = sorted(filter(of_customer, keys))
        while left:
            batch: dict[bytes, bytes | None] = {}
            for key in left[:AT_ONCE]:
                if (data := self._filled(key)) is not None:
                    batch[key] = data
                    if self._old.get(key + OLDER) is not None:
                        batch[key + OLDER] = None
            yield batch | {POSITION_KEY: self._record}
            del left[:AT_ONCE]

    def record(self, known: Mapping[str, int], touched: tuple[str, ...]) -> bytes:
        """The partition's own record once all are written: the measures know more."""
        return self._of(known, touched, {})

    def _of(self, known: Mapping[str, int], filled: tuple[str, ...], old: dict[int, Layout]) -> bytes:
        position, mine = self._position, self._mine
        new = {
            number: replace(
                position.layouts[before],
                streams=mine.streams,
                known={**mine.known, **known},
                retention=mine.retention,
                filled=filled,
            )
            for before, number in self._numbers.items()
        }
        current = self._numbers[position.last]
        moved = Position(position.offsets, position.clock, old | new, current, position.count)
        return moved.write(position.offsets, position.clock, swept=False)

    def _filled(self, key: bytes) -> bytes | None:
        past, data = self._past.customer(key), self._old.get(key)
        if data is None:
            return None if past is None else self._forgotten(past)
        number = header(data)[1]
        layout = self._position.layouts[number]
        customer = decode(key, data, len(layout.streams), None, self._old.get)
        customer.streams = carried(customer.streams, layout, self._mine, self._rules)
        erased = BEFORE_ALL if customer.erased_at is None else customer.erased_at
        for place, cut in self._cuts.items():
            kept, found = customer.streams[place], None if past is None else past.streams[place]
            customer.streams[place] = merged(self._rules.plan.streams[place], kept, found, cut, erased)
        return whole(customer, self._rules.plan, self._numbers[number])

    def _forgotten(self, past: Customer) -> bytes | None:
        """One who was forgotten, as nothing that was remembered so long had to do with them."""
        if past.blank or past.forgotten_at(self._rules.plan.retention) < self._position.clock:
            return None
        return whole(past, self._rules.plan, self._numbers[self._position.last])


def _measures(rules: RuleSet, wanted: Sequence[str]) -> set[str]:
    """The measures of these rules and of those that they read."""
    places = {rules.ids.index(name) for name in wanted}
    places |= {other for place in places for other in rules.reads[place]}
    readers = rules.plan.readers
    return {
        readers[id(leaf)].measure
        for place in places
        for leaf in rules.leaves[place]
        if isinstance(leaf, Comparison)
    }


def _sets(reader: Reader) -> list[EventSet]:
    """The event sets that a measure reads."""
    events = reader.leaf.measure.events
    return [events.source] if events.reset is None else [events.source, events.reset.source]


def _complete(events: EventSet, complete: Complete) -> int:
    """From when on an event set is in the history; whether an event begins a visit is told by those before it."""
    since = max(complete.get(topic, BEFORE_ALL) for topic in topics_of(events))
    return since + SESSION_GAP if events.visits and since > BEFORE_ALL else since
