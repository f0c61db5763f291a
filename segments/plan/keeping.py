"""A plan with the measures beside its own that an earlier one had: what a partition keeps of them for a while.

A rule set that is deployed no longer needs some measures. They go on to be kept, under their own identities, so that a
rule set that needs them again goes on with them. No rule of the plan reads them.
"""

from collections.abc import Collection

from msgspec.structs import replace

from segments.plan import ir


def keeping(running: ir.Plan, earlier: ir.Plan) -> ir.Plan:
    """The plan of the rules that run, with the measures of an earlier one that it lacks; `running` if it lacks none.

    Money of another currency and the calendar of another zone mean something else: then none is kept.
    """
    if (running.currency, running.zone) != (earlier.currency, earlier.zone):
        return running
    lacking = _lacking(running, earlier)
    return _Joined(running, earlier).plan(lacking) if lacking else running


def only(plan: ir.Plan, wanted: Collection[str]) -> ir.Plan:
    """A plan of these measures of another one, without rules; those that read flips of segments are left out."""
    nothing = replace(plan, streams=(), measures=(), leaves=(), rules=(), borders=())
    found = [each for each in _asked(plan) if plan.measures[each.known] in wanted]
    return _Joined(nothing, plan).plan([each for each in found if not _reads_flips(plan, each)])


def _lacking(running: ir.Plan, earlier: ir.Plan) -> list[ir.Measured]:
    """One measured part for each measure that the plan that runs does not have."""
    known = set(running.measures)
    return [each for each in _asked(earlier) if earlier.measures[each.known] not in known]


def _asked(plan: ir.Plan) -> list[ir.Measured]:
    """One measured part for each measure of a plan."""
    asked = [leaf.asked for leaf in plan.leaves]
    asked += [detail.asked for rule in plan.rules for detail in rule.details]
    found: dict[str, ir.Measured] = {}
    for each in (part for one in asked for part in ir.measured_in(one)):
        found.setdefault(plan.measures[each.known], each)
    return list(found.values())


def _reads_flips(plan: ir.Plan, asked: ir.Measured) -> bool:
    places = (asked.stream, asked.reset, *(each.stream for each in asked.after))
    return any(plan.streams[each].flips for each in places if each is not None)


class _Joined:
    """Two plans on the way to one: the streams of the first, with what is wanted of the second."""

    def __init__(self, running: ir.Plan, earlier: ir.Plan) -> None:
        self._running, self._earlier = running, earlier
        self._streams = list(running.streams)
        self._places = {stream.identity: place for place, stream in enumerate(running.streams)}
        """By identity."""
        self._joined: dict[int, int] = {}
        """The places of streams of the second plan that were put in, by their numbers there."""
        self._topics = {topic.name: number for number, topic in enumerate(running.topics)}
        self._rules = {rule.id: place for place, rule in enumerate(running.rules)}

    def plan(self, lacking: list[ir.Measured]) -> ir.Plan:
        """With these measures of the second plan."""
        names = [self._earlier.measures[each.known] for each in lacking]
        first = len(self._running.measures)
        leaves = [
            ir.Leaf(name, "", self._measured(each, first + place))
            for place, (name, each) in enumerate(zip(names, lacking, strict=True))
        ]
        return replace(
            self._running,
            retention=max(self._running.retention, self._earlier.retention),
            streams=tuple(self._streams),
            measures=(*self._running.measures, *names),
            leaves=(*self._running.leaves, *leaves),
        )

    def _measured(self, asked: ir.Measured, known: int) -> ir.Measured:
        stream = self._stream(asked.stream)
        model = asked.model
        if model is not None:
            day = self._column(asked.stream, model.day)
            amount = None if model.amount is None else self._column(asked.stream, model.amount)
            model = replace(model, day=day, amount=amount)
        return replace(
            asked,
            known=known,
            stream=stream,
            column=None if asked.column is None else self._column(asked.stream, asked.column),
            reset=None if asked.reset is None else self._stream(asked.reset),
            after=tuple(replace(each, stream=self._stream(each.stream)) for each in asked.after),
            model=model,
            border=None,
        )

    def _stream(self, number: int) -> int:
        """The place of a stream of the second plan, which has what that one kept of it."""
        if number not in self._joined:
            self._joined[number] = self._put_in(self._earlier.streams[number])
        return self._joined[number]

    def _put_in(self, kept: ir.Stream) -> int:
        place = self._places.get(kept.identity)
        if place is not None:
            self._streams[place] = _both(self._streams[place], kept)
            return place
        takes = [
            replace(each, topic=self._topics[self._earlier.topics[each.topic].name]) for each in kept.takes
        ]
        rules = [self._earlier.rules[each.rule].id for each in kept.flips]
        flips = [
            replace(each, rule=self._rules[name])
            for each, name in zip(kept.flips, rules, strict=True)
            if name in self._rules
        ]
        self._streams.append(replace(kept, takes=tuple(takes), flips=tuple(flips), readers=()))
        return len(self._streams) - 1

    def _column(self, stream: int, column: int) -> int:
        """The place of a column of a stream of the second plan."""
        kept = self._earlier.streams[stream]
        own = self._streams[self._stream(stream)]
        return [each.name for each in own.columns].index(kept.columns[column].name)


def _both(own: ir.Stream, kept: ir.Stream) -> ir.Stream:
    names = {each.name for each in own.columns}
    more = [each for each in kept.columns if each.name not in names]
    keep, latest = max(own.keep, kept.keep), own.latest and kept.latest
    return replace(own, columns=(*own.columns, *more), keep=keep, latest=latest)
