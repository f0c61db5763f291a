"""Rules become a plan: the objects of the language are followed once, and numbers stand for them.

Which streams a rule set keeps is told by `segments.plan.planner`; this module writes it down as data.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import cast

from msgspec.structs import replace

from segments.language import catalogue
from segments.language.catalogue import LINE, SESSION_GAP, VISIT, EventSet
from segments.language.nodes import conditions as said
from segments.language.nodes.arithmetic import Calculated, Term, measures_of
from segments.language.nodes.borders import Top, top_of
from segments.language.nodes.calendar import TodayComparison
from segments.language.nodes.dates import DateComparison
from segments.language.nodes.events import Events
from segments.language.nodes.fields import AllTests, AnyTest, Field, Filter, NotTest, Test
from segments.language.nodes.literals import Value
from segments.language.nodes.measures import Measure
from segments.language.nodes.order import in_order, reads
from segments.language.nodes.predictions import Predicted
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.splits import Split
from segments.language.nodes.text import bound_text, goal_text, leaf_text, leaves, measures_in, plain
from segments.plan import ir
from segments.plan.arithmetic import KINDS, kind_of, side_kind, term
from segments.plan.bounds import SCALES, comparison, profile_bounds
from segments.plan.clock import during, of_date, today
from segments.plan.planner import Plan as Memory
from segments.plan.planner import Stream as Kept
from segments.plan.planner import column_name
from segments.plan.planner import plan as remembered
from segments.plan.version import aim_identity, digest_of, versions_of
from segments.plan.zones import zone_data

TOPICS = tuple(
    ir.Topic(topic.name, topic.record.lower())
    for topic in sorted(catalogue.TOPICS, key=lambda each: each.name)
)
"""The inputs that there always are, in the order that breaks ties."""

PER_LINE = tuple(each.name for each in LINE)
"""The fields of a line of `items`; the other fields of an item set are those of the transaction."""

NEVER_NEGATIVE = ("amount",)
"""Fields that no event has below zero: what has is refused."""

HUNDREDTHS = 100
"""Of a percent: a control group is drawn among 10,000."""

NO_COMPARISON = ir.Comparison("==", (), ())
"""Of a measure that is calculated with: the whole is compared."""


def lower(
    segments: Sequence[Segment],
    currency: str = "EUR",
    zone: str = "UTC",
    sources: Sequence[str] = (),
    memory: Memory | None = None,
) -> ir.Plan:
    """The plan of a rule set; the segments that a rule reads are among them.

    `sources`: the names of the profile sources beside `profiles`; their topics are the last inputs. `memory`: what the
    planner said of the segments in order of dependency; None: it is asked.
    """
    more = [ir.Topic(topic, "profile") for topic in catalogue.inputs(sources)[len(catalogue.INPUTS) :]]
    ordered = in_order(segments)
    found = _Lowering(ordered, memory or remembered(ordered, currency, zone)).plan()
    return replace(found, topics=(*found.topics, *more)) if more else found


class _Lowering:
    """One rule set, with the numbers of its streams and leaves."""

    def __init__(self, segments: Sequence[Segment], memory: Memory) -> None:
        self.segments, self.memory = segments, memory
        currency, zone = memory.currency, memory.zone
        self.places = {segment.id: place for place, segment in enumerate(segments)}
        self.ranks = {name: rank for rank, name in enumerate(sorted(self.places))}
        self.known = {measure: number for number, measure in enumerate(self.memory.measures)}
        self.versions = versions_of(segments, currency, zone)
        self.aims = {each.id: aim_identity(each, currency, zone) for each in segments}
        self.of_rule = [(*leaves(each.when), *leaves(each.until)) for each in segments]
        self.held = list({id(leaf): leaf for each in self.of_rule for leaf in each}.values())
        self.numbers = {id(leaf): number for number, leaf in enumerate(self.held)}
        keys = (self._border(leaf) for leaf in self.held if top_of(leaf) is not None)
        self.borders = tuple(sorted(set(keys), key=lambda key: (key.measure, Decimal(key.percent))))
        self.border_places = {border: place for place, border in enumerate(self.borders)}

    def plan(self) -> ir.Plan:
        """The plan."""
        direct = [[self.places[other.id] for other in reads(each)] for each in self.segments]
        links = list(zip(_closed(direct), _turned(direct), strict=True))
        readers = self._readers()
        return ir.Plan(
            format=ir.FORMAT,
            digest=digest_of(self.versions, self.aims),
            currency=self.memory.currency,
            zone=zone_data(self.memory.zone),
            retention=self.memory.retention,
            topics=TOPICS,
            session=ir.Session(VISIT.kinds or (), SESSION_GAP),
            streams=tuple(
                self._stream(each, read) for each, read in zip(self.memory.streams, readers, strict=True)
            ),
            measures=self.memory.measures,
            leaves=tuple(map(self._leaf, self.held)),
            rules=tuple(self._rule(place, *both) for place, both in enumerate(links)),
            borders=self.borders,
        )

    def _rule(self, place: int, reads_: tuple[int, ...], readers: tuple[int, ...]) -> ir.Rule:
        segment, held = self.segments[place], self.of_rule[place]
        consents = {leaf.name for leaf in held if isinstance(leaf, said.Consent)}
        of_profile = any(
            isinstance(leaf, said.ProfileComparison | said.HasValue | DateComparison | said.Consent)
            for leaf in held
        )
        return ir.Rule(
            id=segment.id,
            version=self.versions[segment.id],
            when=self._condition(segment.when),
            until=None if segment.until is None else self._condition(segment.until),
            for_at_least=segment.for_at_least,
            at_most_every=segment.at_most_every,
            leaves=tuple(self.numbers[id(leaf)] for leaf in held),
            reads=reads_,
            readers=readers,
            rank=self.ranks[segment.id],
            consents=tuple(sorted(consents)),
            profile=of_profile,
            details=tuple(
                ir.Detail(name, self._measured(each, NO_COMPARISON)) for name, each in segment.details
            ),
            aim=self._aim(segment),
            for_each=None if segment.for_each is None else KINDS[segment.for_each.type],
            stages=tuple(ir.Stage(name, self._condition(when)) for name, when in segment.stages),
        )

    def _aim(self, segment: Segment) -> ir.Aim | None:
        aim, identity = segment.aim, self.aims[segment.id]
        if not identity:
            return None
        return ir.Aim(
            identity=identity,
            goal=None
            if aim.goal is None
            else ir.Goal(
                takes=_takes(aim.goal.source),
                flips=self._flips(aim.goal.source),
                lines=aim.goal.source.lines,
                filter=None if aim.goal.filter is None else _filter(aim.goal.filter),
                key=None if aim.goal.key is None else _field(aim.goal.key),
                revenue=None if aim.revenue is None else _field(aim.revenue),
                window=aim.window,
                text=goal_text(aim),
            ),
            arms=None
            if aim.control is None
            else ir.Arms(aim.experiment, plain(aim.control), int(aim.control * HUNDREDTHS)),
        )

    def _readers(self) -> list[tuple[int, ...]]:
        """For each stream the rules that an event of it may flip."""
        found: list[dict[int, None]] = [{} for _ in self.memory.streams]
        for rule, held in enumerate(self.of_rule):
            for measure in (each for leaf in held for each in measures_in(leaf)):
                for place in self.memory.readers[id(measure)].streams:
                    found[place][rule] = None
        return list(map(tuple, found))

    def _condition(self, condition: said.Condition) -> ir.Condition:
        match condition:
            case said.AllOf(parts):
                return ir.All(tuple(map(self._condition, parts)))
            case said.AnyOf(parts):
                return ir.AtLeastOne(tuple(map(self._condition, parts)))
            case said.Not(inner):
                return ir.Not(self._condition(inner))
        return ir.IsLeaf(self.numbers[id(condition)])

    def _leaf(self, leaf: said.Condition) -> ir.Leaf:
        return ir.Leaf(leaf_text(leaf), bound_text(leaf), self._asked(leaf))

    def _asked(self, leaf: said.Condition) -> ir.Asked:
        match leaf:
            case said.Comparison(bound=Top()):
                nothing = ir.Comparison(_operator(leaf.operator), (), ())
                return self._measured(leaf.measure, nothing, self.border_places[self._border(leaf)])
            case said.Comparison(measure, operator, bound):
                return self._measured(
                    measure, comparison(_operator(operator), cast("Value", bound), measure.type)
                )
            case Calculated():
                return self._calculated(leaf)
            case said.ProfileComparison(name, operator, bound):
                return ir.OfProfile(name, _operator(operator), profile_bounds(bound))
            case TodayComparison():
                return today(leaf)
            case DateComparison():
                return of_date(leaf)
            case said.HasValue(name, value):
                return ir.OfList(name, value)
            case said.Consent(name):
                return ir.OfConsent(name)
            case Split(name, start, end):
                return ir.OfSplit(name, start, end)
            case Segment(id=name):
                return ir.Inside(self.places[name])
            case ValueOf(segment, value):
                return ir.Inside(self.places[segment.id], value)
        raise TypeError(leaf)

    def _border(self, leaf: said.Condition) -> ir.BorderKey:
        """The border that a leaf is compared with."""
        measure, percent = leaf_text(leaf), format(Decimal(cast("Top", top_of(leaf)).percent), "f")
        return ir.BorderKey(measure, percent, self.memory.currency, self.memory.zone)

    def _calculated(self, leaf: Calculated) -> ir.Calculated:
        parts = tuple(self._measured(each, NO_COMPARISON) for each in measures_of(leaf))
        numbers = count()
        left, right = (term(side, numbers) for side in (leaf.left, leaf.right))
        told = side_kind(leaf.right) if isinstance(leaf.right, Term) else None
        return ir.Calculated(parts, left, _operator(leaf.operator), right, side_kind(leaf.left), told)

    def _measured(self, measure: Measure, compared: ir.Comparison, border: int | None = None) -> ir.Measured:
        reader, events = self.memory.readers[id(measure)], measure.events
        stream, field = self.memory.streams[reader.stream], measure.field
        reset = None if reader.reset is None else self.memory.streams[reader.reset]
        since = events.reset
        return ir.Measured(
            measure=measure.name,
            known=self.known[reader.measure],
            stream=reader.stream,
            view=_view(stream, events, measure),
            column=None if field is None else _place(stream, field),
            kind=kind_of(measure),
            scale=SCALES.get(measure.type, 1),
            monotone=field is not None and field.name in NEVER_NEGATIVE,
            by=None if events.key is None else _field(events.key),
            reset=reader.reset,
            reset_view=None if reset is None or since is None else _view(reset, since, None),
            same=since is not None and since.match is not None,
            after=tuple(
                ir.After(
                    stream=place,
                    view=_view(self.memory.streams[place], before, None),
                    span=follower.span or 0,
                    same=before.match is not None,
                )
                for place, follower, before in zip(
                    reader.chain, (events, *events.chain), events.chain, strict=False
                )
            ),
            window=events.window or 0,
            during=during(events.period),
            offset=events.offset or 0,
            comparison=compared,
            model=_model(stream, measure) if isinstance(measure, Predicted) else None,
            border=border,
        )

    def _stream(self, stream: Kept, readers: tuple[int, ...]) -> ir.Stream:
        return ir.Stream(
            identity=stream.identity,
            takes=_takes(stream.events),
            flips=self._flips(stream.events),
            lines=stream.events.lines,
            visits=stream.visits,
            filter=None if stream.filter is None else _filter(stream.filter),
            key=None if stream.key is None else _field(stream.key),
            present=None if stream.present is None else _field(stream.present),
            columns=tuple(
                ir.Column(column_name(each, self.memory.currency, self.memory.zone), _field(each))
                for each in stream.columns
            ),
            keep=stream.keep,
            latest=stream.latest,
            readers=readers,
        )

    def _flips(self, events: EventSet) -> tuple[ir.Flips, ...]:
        if not events.flip:
            return ()
        return (ir.Flips(self.places[events.segment.id], events.flip == "entered"),)


def _closed(direct: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """For each rule the places of those that it reads, directly or through others; all of them stand before it."""
    found: list[tuple[int, ...]] = []
    for read in direct:
        found.append(tuple(sorted({*read, *(place for each in read for place in found[each])})))
    return found


def _turned(direct: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """For each rule the places of those that read it."""
    found: list[list[int]] = [[] for _ in direct]
    for place, read in enumerate(direct):
        for each in read:
            found[each].append(place)
    return list(map(tuple, found))


def _place(stream: Kept, field: Field) -> int:
    """The number of the column that holds a field."""
    return [str(each) for each in stream.columns].index(str(field))


def _model(stream: Kept, measure: Predicted) -> ir.Model:
    numbers = [str(Fraction(value)) for _, value in measure.of.parameters]
    spend = None if measure.of.spend is None else [str(Fraction(value)) for _, value in measure.of.spend]
    places = [_place(stream, each) for each in measure.columns]
    return ir.Model(
        parameters=cast("tuple[str, str, str, str]", tuple(numbers)),
        spend=None if spend is None else cast("tuple[str, str, str]", tuple(spend)),
        days=measure.days,
        day=places[0],
        amount=places[1] if len(places) > 1 else None,
    )


def _takes(events: EventSet) -> tuple[ir.Take, ...]:
    """The kinds of each topic that make up an event set."""
    numbers = {topic.name: number for number, topic in enumerate(TOPICS)}
    return tuple(ir.Take(numbers[topic.name], events.kinds) for topic in events.topics)


def _field(field: Field) -> ir.Field:
    line = field.events.lines and field.name in PER_LINE
    return ir.Field(field.name, field.key, line, KINDS[field.type])


def _filter(test: Filter) -> ir.Filter:
    match test:
        case Test(field, operator, bound):
            return ir.Test(_field(field), comparison(_operator(operator), bound, field.type))
        case NotTest(inner):
            return ir.NotTest(_filter(inner))
        case AnyTest(tests):
            return ir.AnyTest(tuple(map(_filter, tests)))
        case AllTests(tests):
            return ir.AllTests(tuple(map(_filter, tests)))
    raise TypeError(test)


def _view(stream: Kept, events: Events, measure: Measure | None) -> ir.View | None:
    """How visits are read; their bare starts can be read as they are."""
    field = None if measure is None else measure.field
    key = events.key if events.key is not None else events.match
    if not stream.visits or all(each is None for each in (events.filter, key, field)):
        return None
    present = field if measure is not None and measure.kind.needs_value else None
    return ir.View(
        filter=None if events.filter is None else _filter(events.filter),
        key=None if key is None else _field(key),
        present=None if present is None else _field(present),
    )


def _operator(operator: str) -> ir.Operator:
    return cast("ir.Operator", "in" if operator == "is_in" else operator)
