"""What a rule set keeps of a customer: which events, with which fields, and for how long.

Measures over the same events share one *stream*: the instants of those events, sorted, beside the columns that the
measures read. A stream of which only the latest event matters (`idle`, `last`, the events of `since`) holds just that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from segments.language.catalogue import CALENDAR, SESSION_GAP, VISIT, EventSet, Type
from segments.language.catalogue import DAY as DATE
from segments.language.nodes.conditions import Condition
from segments.language.nodes.durations import DAY
from segments.language.nodes.events import Events
from segments.language.nodes.fields import AllTests, AnyTest, Field, Filter, NotTest, Test
from segments.language.nodes.measures import Measure
from segments.language.nodes.order import in_order, reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import filter_text, leaves, measure_text, measures_of_rule, short_name

UTC = "UTC"
"""The zone that is no part of a name or a version: they had theirs before there were zones."""
CALENDAR_NAMES = tuple(each.name for each in (DATE, *CALENDAR))
"""The fields that depend on the zone."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Events that are kept for a customer."""

    identity: str
    """Two rule sets share what is remembered in streams of one identity."""
    events: EventSet
    filter: Filter | None
    key: Field | None
    present: Field | None
    """Only events that have this field."""
    columns: tuple[Field, ...] = ()
    keep: int = 0
    """Milliseconds that an event stays needed."""
    latest: bool = True
    """Only the latest event is needed."""

    @property
    def visits(self) -> bool:
        """Sessions rather than events: filters and keys apply when they are read, since late events merge sessions."""
        return self.events.visits


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """One measure of a leaf: which streams it reads."""

    measured: Measure
    measure: str
    """The normalised text of the measure, of a long one its beginning and a digest.

    By it the memory of a measure goes on from one rule set to the next.
    """
    stream: int
    reset: int | None
    """The stream of the events of `since`."""
    chain: tuple[int, ...] = ()
    """The streams of the events of `after`, and of those that these came after."""

    @property
    def streams(self) -> tuple[int, ...]:
        """All streams that it reads."""
        return (self.stream, *(() if self.reset is None else (self.reset,)), *self.chain)


@dataclass(frozen=True, eq=False)
class Plan:
    """The streams of a rule set, and the readers of each measure (by the measure's identity as an object)."""

    streams: tuple[Stream, ...]
    readers: dict[int, Reader]
    measures: tuple[str, ...]
    retention: int
    """R of SEMANTICS.md, section 5, in milliseconds: the longest window, at least 24 hours."""
    currency: str
    zone: str
    held: tuple[Condition, ...] = field(repr=False, default=())
    """The leaves themselves: keeps their identities from being used again."""

    @cached_property
    def visits(self) -> tuple[bool, ...]:
        """For each stream whether it is of visits."""
        return tuple(stream.visits for stream in self.streams)

    @cached_property
    def shortest(self) -> int:
        """The shortest time that an event stays needed, in milliseconds."""
        return min((stream.keep for stream in self.streams), default=self.retention)


def is_money(given: Filter | Field | None) -> bool:
    """Whether a field of money is read, so that the currency matters."""
    match given:
        case Field(type=kind):
            return kind is Type.MONEY
        case Test(tested):
            return tested.type is Type.MONEY
        case NotTest(inner):
            return is_money(inner)
        case AnyTest(tests) | AllTests(tests):
            return any(map(is_money, tests))
    return False


def is_calendar(given: Filter | Field | None) -> bool:
    """Whether a field of the calendar is read, so that the zone matters."""
    match given:
        case Field(name=name, key=None):
            return name in CALENDAR_NAMES
        case Field() | None:
            return False
    return any(map(is_calendar, fields_in(given)))


def column_name(column: Field, currency: str, zone: str = UTC) -> str:
    """The name under which a column is kept; money of another currency, or the calendar of another zone, is another."""
    name = column.name if column.key is None else f"{column.name}[{column.key}]"
    if column.type is Type.NUMBER:
        name += ".number"
    if zone != UTC and is_calendar(column):
        return f"{name}@{zone}"
    return f"{name}:{currency}" if column.type is Type.MONEY else name


class _Streams:
    """The streams gathered so far."""

    def __init__(self, currency: str, zone: str) -> None:
        self.currency, self.zone = currency, zone
        self.found: dict[str, Stream] = {}
        self.places: dict[str, int] = {}

    def add(
        self,
        events: Events,
        key: Field | None,
        present: Field | None,
        columns: Iterable[Field],
        keep: int,
        latest: bool,
    ) -> int:
        if events.source.visits:
            wanted = (*fields_in(events.filter), key, present, *columns)
            columns = tuple(each for each in wanted if each is not None)
            stream = Stream(VISIT.name, VISIT, None, None, None)
            latest = False
        else:
            parts = (events.filter, key, present)
            money = any(map(is_money, parts))
            calendar = self.zone != UTC and any(map(is_calendar, parts))
            text = "" if events.filter is None else filter_text(events.filter)
            of_key, of_present = "" if key is None else key, "" if present is None else present
            identity = short_name(
                f"{events.name}|{text}|{of_key}|{of_present}|{self.currency if money else ''}"
                + (f"|{self.zone}" if calendar else "")
            )
            stream = Stream(identity, events.source, events.filter, key, present)
        held = self.found.setdefault(stream.identity, stream)
        names = {str(each): each for each in (*held.columns, *columns)}
        self.found[stream.identity] = replace(
            held,
            columns=tuple(names[name] for name in sorted(names)),
            keep=max(held.keep, keep),
            latest=held.latest and latest,
        )
        return self.places.setdefault(stream.identity, len(self.places))


def fields_in(test: Filter | None) -> list[Field]:
    """The fields that a filter reads."""
    match test:
        case Test(tested):
            return [tested]
        case NotTest(inner):
            return fields_in(inner)
        case AnyTest(tests) | AllTests(tests):
            return [each for inner in tests for each in fields_in(inner)]
    return []


def plan(segments: Sequence[Segment], currency: str = "EUR", zone: str = UTC) -> Plan:
    """What a rule set must remember so that each of its measures can be told exactly."""
    streams = _Streams(currency, zone)
    readers: dict[int, Reader] = {}
    longest = DAY
    held = [leaf for segment in segments for leaf in leaves(segment.when) + leaves(segment.until)]
    for segment in segments:
        for measure in measures_of_rule(segment):
            readers[id(measure)] = _reader(measure, streams)
    longest = max([longest, *spans(segments)])
    measures = tuple(sorted({reader.measure for reader in readers.values()}))
    return Plan(tuple(streams.found.values()), readers, measures, longest, currency, zone, tuple(held))


def spans(segments: Sequence[Segment]) -> list[int]:
    """For each rule how long an event can matter to it, in milliseconds; flips of a segment as long as that one longer.

    A rule that holds customers back counts the windows of the segments that it reads, too: what it remembers of the
    customer would else be forgotten while those segments still stand.
    """
    found: dict[str, int] = {}
    for segment in in_order(segments):
        windows = [
            kept(measure.events) + max((found[each.id] for each in flips_read(measure.events)), default=0)
            for measure in measures_of_rule(segment)
        ]
        back = segment.for_at_least + segment.at_most_every
        if back:
            windows += [found[other.id] for other in reads(segment)]
        found[segment.id] = max(windows, default=0) + back
        if segment.aim.goal is not None:
            heard = max((found[each.id] for each in flips_read(segment.aim.goal)), default=0)
            found[segment.id] = max(found[segment.id], kept(segment.aim.goal) + heard)
    return [found[segment.id] for segment in segments]


def flips_read(events: Events) -> list[Segment]:
    """The segments whose enters or exits an event set, or what it comes after, is made of."""
    return [each.source.segment for each in (events, *events.chain) if each.source.flip]


def kept(events: Events) -> int:
    """How long an event matters: its window, until it counts, what it is `after`; 30 minutes longer for visits."""
    follows = sum(each.span or 0 for each in (events, *events.chain))
    visits = any(each.source.visits for each in (events, *events.chain))
    return (events.window or 0) + (events.offset or 0) + follows + (SESSION_GAP if visits else 0)


def known_as(measure: Measure, zone: str) -> str:
    """The text by which the memory of a measure goes on: of one that reads a period, in the same zone alone."""
    in_zone = f"@{zone}" if zone != UTC and measure.events.period is not None else ""
    return short_name(measure_text(measure) + in_zone)


def _reader(measure: Measure, streams: _Streams) -> Reader:
    events = measure.events
    keep = (events.window or 0) + (events.offset or 0)
    present = measure.field if measure.kind.needs_value else None
    columns = measure.columns
    # What was the latest some time ago, or in the period before, need not be so now, nor have come after anything.
    latest = not events.offset
    previous = events.period is not None and events.period.previous
    only = measure.kind.latest and latest and not previous and events.follows is None
    stream = streams.add(events, events.key, present, columns, keep, only)
    reset = None
    if events.reset is not None:
        reset = streams.add(events.reset, events.reset.match, None, (), keep, latest)
    chain, reach = list[int](), keep
    for each in (events, *events.chain):
        if each.follows is not None:
            reach += each.span or 0
            chain.append(streams.add(each.follows, each.follows.match, None, (), reach, False))
    return Reader(measure, known_as(measure, streams.zone), stream, reset, tuple(chain))
