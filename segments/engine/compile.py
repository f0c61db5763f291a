"""Rules into specialised Python: an event costs only what its kind can change.

For a rule set one module is generated, and registered with `linecache` so that tracebacks and debuggers show it:

    take_<kind>(c, e, t, now)   remember an event; returns the rules that it may flip, as bits
    leaf_<n>(c, now)            whether a leaf condition holds, and when to look again
    each_<n>(c, now)            (key, value, holds) of its measure: the evidence
    rule_<i>(c, now)            whether the customer belongs in the segment, and when to look again

*When to look again* is an instant before which time alone changes nothing; NEVER: time alone does not.
"""

import linecache
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from segments.engine import tree
from segments.engine.kernels import Kernel, kernel
from segments.engine.keyed import Held, held
from segments.engine.records import NEVER, Event
from segments.engine.remember import day, entering, merge, prune, prune_visits, take_visit, until, upto
from segments.engine.source import filter_source, indent
from segments.engine.takes import takes
from segments.language.nodes.events import Events
from segments.language.nodes.fields import Field
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment
from segments.plan.planner import Plan, Reader, Stream

if TYPE_CHECKING:
    from segments.engine.customer import Customer

Take = Callable[["Customer", Event, int, int], int]
Rule = Callable[["Customer", int], tuple[bool, int]]
Each = Callable[["Customer", int], Iterator[tuple[Any, Any, bool]]]


class Compiled:
    """The generated functions of a rule set."""

    def __init__(self, source: str, namespace: dict[str, Any], rules: int) -> None:
        self.source = source
        self.take: dict[str, Take] = namespace["TAKE"]
        """By kind of click; `OTHER` for those that no rule names."""
        self.take_transaction: dict[str, Take] = namespace["TAKE_TRANSACTION"]
        self.rules: list[Rule] = [namespace[f"rule_{index}"] for index in range(rules)]
        self.each: dict[int, Each] = namespace["EACH"]
        """By the number of the leaf in the plan's readers."""


def compile_rules(segments: Sequence[Segment], plan: Plan, name: str) -> Compiled:
    """Generate and load the functions of a rule set; `segments` in order of dependency."""
    source = "\n".join(_module(segments, plan))
    filename = f"<rules {name}>"
    namespace: dict[str, Any] = {
        "NEVER": NEVER,
        "Decimal": Decimal,
        "bisect_right": bisect_right,
        "day": day,
        "merge": merge,
        "prune": prune,
        "prune_visits": prune_visits,
        "take_visit": take_visit,
        "profile_test": tree.profile_test,
        "held": held,
        "until": until,
        "upto": upto,
        "entering": entering,
        "Held": Held,
    }
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102 - source generated from checked nodes
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return Compiled(source, namespace, len(segments))


def _module(segments: Sequence[Segment], plan: Plan) -> Iterator[str]:
    numbers = {leaf: number for number, leaf in enumerate(plan.readers)}
    for leaf, reader in plan.readers.items():
        yield from _leaf(numbers[leaf], reader, plan)
    index = {segment.id: place for place, segment in enumerate(segments)}
    for place, segment in enumerate(segments):
        yield from tree.rule(place, segment, numbers, index)
    yield from takes(segments, plan)
    yield f"EACH = {{{', '.join(f'{number}: each_{number}' for number in numbers.values())}}}"


def _leaf(number: int, reader: Reader, plan: Plan) -> Iterator[str]:
    """The functions of one leaf; with `ago`, those of the leaf as it was then."""
    offset = reader.leaf.measure.events.offset
    yield from _now(f"then_{number}" if offset else f"{number}", reader, plan)
    if offset:
        places = (reader.stream,) if reader.reset is None else (reader.stream, reader.reset)
        enters = ", ".join(f"entering(c.streams[{place}], now)" for place in places)
        yield f"def each_{number}(c, now): return each_then_{number}(c, now - {offset})"
        yield f"def leaf_{number}(c, now):\n    now -= {offset}"
        yield f"    holds, change = leaf_then_{number}(c, now)\n    change = min(change, {enters})"
        yield f"    return holds, change + {offset} if change < NEVER else NEVER"


def _now(number: str, reader: Reader, plan: Plan) -> Iterator[str]:
    """Its kernel over one stream, or over each value of `by`."""
    stream, events = plan.streams[reader.stream], reader.leaf.measure.events
    bodies = kernel(reader.leaf, _column(reader, stream))
    yield f"# {reader.measure}"
    yield f"def value_{number}(s, floor, now):\n{indent(bodies.value)}"
    if _viewed(stream, events, reader.leaf.measure.field):
        yield _view(f"view_{number}", events, reader.leaf.measure, stream)
    if events.reset is not None and _viewed(plan.streams[reader.reset or 0], events.reset, None):
        yield _view(f"reset_{number}", events.reset, None, plan.streams[reader.reset or 0])
    if events.key is not None:
        yield f"def look_{number}(s, floor, now):\n{indent(bodies.look)}"
        yield from _keyed(number, reader, plan)
    else:
        yield from _plain(number, reader, plan, bodies)


def _column(reader: Reader, stream: Stream) -> int | None:
    """Where the field of a measure stands; in the view of visits always first."""
    field = reader.leaf.measure.field
    if field is None or stream.visits:
        return 1 if field is not None else None
    return 1 + [str(each) for each in stream.columns].index(str(field))


def _viewed(stream: Stream, events: Events, field: Field | None) -> bool:
    """Whether visits must be filtered or keyed as they are read; the bare starts can be read as they are."""
    return stream.visits and any(
        each is not None for each in (events.filter, events.key, events.match, field)
    )


def _view(name: str, events: Events, measure: Measure | None, stream: Stream) -> str:
    """Visits are filtered, keyed and stripped of missing fields as they are read: a late event may merge two."""
    field = None if measure is None else measure.field
    present = None if measure is None or not measure.kind.needs_value else measure.field
    columns = {str(each): f"v{place}" for place, each in enumerate(stream.columns)}

    def of_row(read: Field) -> str:
        return columns[str(read)]

    key = events.key if events.key is not None else events.match
    tests = [] if events.filter is None else [filter_source(events.filter, of_row)]
    tests += [f"{of_row(each)} is not None" for each in (present, key) if each is not None]
    row = ", ".join(["t", *columns.values(), "_end"])
    lines = [
        f"def {name}(s):",
        "    if s is None: return None",
        "    found = {}",
        f"    for {row} in zip(*s):",
        f"        if {' and '.join(tests) or 'True'}:",
        f"            group = found.setdefault({'None' if key is None else of_row(key)}, [[], []])",
        f"            group[0].append(t); group[1].append({'None' if field is None else of_row(field)})",
        "    return found or None" if key is not None else "    return found.get(None)",
    ]
    return "\n".join(lines)


def _prologue(number: str, reader: Reader, plan: Plan, nothing: str) -> list[str]:
    """Find the stream and the floor: only what is later than the floor counts."""
    stream, events = plan.streams[reader.stream], reader.leaf.measure.events
    read, known = _read(reader.stream, events), plan.measures.index(reader.measure)
    lines = [
        f"s = view_{number}({read})" if _viewed(stream, events, reader.leaf.measure.field) else f"s = {read}",
        f"if s is None: {nothing}",
        f"floor = now - {events.window or 0}",
        f"if c.known is not None and c.known[{known}] > floor + 1: floor = c.known[{known}] - 1",
    ]
    if reader.reset is not None and events.reset is not None:
        read = _read(reader.reset, events)
        viewed = _viewed(plan.streams[reader.reset], events.reset, None)
        lines.append(f"r = reset_{number}({read})" if viewed else f"r = {read}")
        if events.reset.match is None:
            lines.append("if r is not None and r[0][-1] > floor: floor = r[0][-1]")
    return lines


def _read(place: int, events: Events) -> str:
    """A stream; with `ago`, what had happened by then."""
    return f"upto(c.streams[{place}], now)" if events.offset else f"c.streams[{place}]"


def _plain(number: str, reader: Reader, plan: Plan, bodies: Kernel) -> Iterator[str]:
    def function(name: str, nothing: str, tail: str) -> str:
        body = "\n".join([*_prologue(number, reader, plan, nothing), tail])
        return f"def {name}_{number}(c, now):\n{indent(body)}"

    yield function("leaf", f"return {bodies.nothing}, NEVER", bodies.look)
    yield function(
        "each",
        f"s = {_empty(reader, plan)}",
        f"yield None, value_{number}(s, floor, now), leaf_{number}(c, now)[0]",
    )


def _empty(reader: Reader, plan: Plan) -> str:
    """A stream of nothing whose columns a kernel may index: an instant before all time would do, but has no value."""
    return "[[-NEVER]" + ", [None]" * max(1, len(plan.streams[reader.stream].columns)) + "]"


def _keyed(number: str, reader: Reader, plan: Plan) -> Iterator[str]:
    """A leaf with `by`: `look_<n>` tells of one key; which of them hold is kept between events."""
    events = reader.leaf.measure.events
    low = ["low = floor"]
    if events.reset is not None and events.reset.match is not None:
        low += [
            "q = None if r is None else r.get(key)",
            "if q is not None and q[0][-1] > low: low = q[0][-1]",
        ]
    head = _prologue(number, reader, plan, "return {nothing}")

    def function(name: str, nothing: str, *tail: str) -> str:
        body = "\n".join([*head, *tail]).format(nothing=nothing)
        return f"def {name}_{number}(c, now):\n{indent(body)}"

    look = [
        "def look(key):",
        "    group = s.get(key)",
        *(f"    {line}" for line in low),
        "    if group is None or group[0][-1] <= low: return False, NEVER",
        f"    holds, change = look_{number}(group, low, now)",
        f"    return holds, min(change, group[0][-1] + {events.window}) if holds else change",
    ]
    if plan.streams[reader.stream].visits or events.offset:
        ask = "return Held.over(s, now, look)"
    else:
        ask = f"return held(c.held, {number}, now, s, look, ahead=now != c.at)"
    yield function("leaf", "False, NEVER", *look, ask)
    each = ["for key, group in s.items():", *(f"    {line}" for line in low), "    if group[0][-1] > low:"]
    each.append(f"        yield key, value_{number}(group, low, now), look_{number}(group, low, now)[0]")
    yield function("each", "", *each)
