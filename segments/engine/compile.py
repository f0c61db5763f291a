"""Rules into specialised Python: an event costs only what its kind can change.

For a rule set one module is generated, and registered with `linecache` so that tracebacks and debuggers show it:

    take_<kind>(c, e, t, now)   remember an event; returns the rules that it may flip, as bits
    holds_<n>(c, now)           whether a leaf condition holds
    change_<n>(c, now)          an instant before which it can't change by time alone
    each_<n>(c, now)            (key, value, holds) of its measure: the evidence
    rule_<i>(c, now)            whether the customer belongs in the segment
    wake_<i>(c, now)            when to look again: an instant before which time alone can't flip it
    flip_<i>(c, now)            when time alone flips it, exactly
"""

import linecache
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from segments.engine import tree
from segments.engine.keyed import Held, held
from segments.engine.kernels import Kernel, kernel
from segments.engine.records import NEVER, Event
from segments.engine.remember import day, merge, prune, prune_visits, take_visit
from segments.engine.source import filter_source, of_event
from segments.language.events import CLICK_KINDS, VISIT_KINDS, Events
from segments.language.fields import Field
from segments.language.plan import Plan, Reader, Stream
from segments.language.segment import Segment

if TYPE_CHECKING:
    from segments.engine.customer import Customer

Take = Callable[["Customer", Event, int, int], int]
Holds = Callable[["Customer", int], bool]
Upcoming = Callable[["Customer", int], int]
Each = Callable[["Customer", int], Iterator[tuple[Any, Any, bool]]]

OTHER = ""
"""The kind of a click that no rule names."""


class Compiled:
    """The generated functions of a rule set."""

    def __init__(self, source: str, namespace: dict[str, Any], rules: int) -> None:
        self.source = source
        self.take: dict[str, Take] = namespace["TAKE"]
        """By kind of click; `OTHER` for those that no rule names."""
        self.take_transaction: dict[str, Take] = namespace["TAKE_TRANSACTION"]
        self.rules: list[Holds] = [namespace[f"rule_{index}"] for index in range(rules)]
        self.wakes: list[Upcoming] = [namespace[f"wake_{index}"] for index in range(rules)]
        self.flips: list[Upcoming] = [namespace[f"flip_{index}"] for index in range(rules)]
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
    yield from _takes(segments, plan)
    yield f"EACH = {{{', '.join(f'{number}: each_{number}' for number in numbers.values())}}}"


def _indent(text: str, depth: int = 1) -> str:
    return "\n".join("    " * depth + line for line in text.splitlines())


def _leaf(number: int, reader: Reader, plan: Plan) -> Iterator[str]:
    """The functions of one leaf: its kernel over one stream, or over each value of `by`."""
    stream, events = plan.streams[reader.stream], reader.leaf.measure.events
    column = _column(reader, stream)
    bodies = kernel(reader.leaf, column)
    yield f"# {reader.measure}"
    for part in ("test", "value", "change"):
        yield f"def {part}_{number}(s, floor, now):\n{_indent(getattr(bodies, part))}"
    if _viewed(stream, events, reader.leaf.measure.field):
        yield _view(f"view_{number}", events, reader.leaf.measure.field, stream)
    if events.reset is not None and _viewed(plan.streams[reader.reset or 0], events.reset, None):
        yield _view(f"reset_{number}", events.reset, None, plan.streams[reader.reset or 0])
    yield from (_keyed if events.key is not None else _plain)(number, reader, plan, bodies)


def _column(reader: Reader, stream: Stream) -> int | None:
    """Where the field of a measure stands; in the view of visits always first."""
    field = reader.leaf.measure.field
    if field is None or stream.visits:
        return 1 if field is not None else None
    return 1 + [str(each) for each in stream.columns].index(str(field))


def _viewed(stream: Stream, events: Events, field: Field | None) -> bool:
    """Whether visits must be filtered or keyed as they are read; the bare starts can be read as they are."""
    return stream.visits and any(each is not None for each in (events.filter, events.key, events.match, field))


def _view(name: str, events: Events, field: Field | None, stream: Stream) -> str:
    """Visits are filtered, keyed and stripped of missing fields as they are read: a late event may merge two."""
    columns = {str(each): f"v{place}" for place, each in enumerate(stream.columns)}

    def of_row(read: Field) -> str:
        return columns[str(read)]

    key = events.key if events.key is not None else events.match
    tests = [] if events.filter is None else [filter_source(events.filter, of_row)]
    tests += [f"{of_row(each)} is not None" for each in (field, key) if each is not None]
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


def _prologue(number: int, reader: Reader, plan: Plan, nothing: str) -> list[str]:
    """Find the stream and the floor: only what is later than the floor counts."""
    stream, events = plan.streams[reader.stream], reader.leaf.measure.events
    read = f"c.streams[{reader.stream}]"
    lines = [
        f"s = view_{number}({read})" if _viewed(stream, events, reader.leaf.measure.field) else f"s = {read}",
        f"if s is None: {nothing}",
        f"floor = now - {events.window or 0}",
        f"if c.known is not None and c.known[{plan.measures.index(reader.measure)}] > floor + 1: "
        f"floor = c.known[{plan.measures.index(reader.measure)}] - 1",
    ]
    if reader.reset is not None and events.reset is not None:
        read = f"c.streams[{reader.reset}]"
        viewed = _viewed(plan.streams[reader.reset], events.reset, None)
        lines.append(f"r = reset_{number}({read})" if viewed else f"r = {read}")
        if events.reset.match is None:
            lines.append("if r is not None and r[0][-1] > floor: floor = r[0][-1]")
    return lines


def _plain(number: int, reader: Reader, plan: Plan, bodies: Kernel) -> Iterator[str]:
    def function(name: str, nothing: str, tail: str) -> str:
        return f"def {name}_{number}(c, now):\n{_indent(chr(10).join([*_prologue(number, reader, plan, nothing), tail]))}"

    yield function("holds", f"return {bodies.nothing}", bodies.test)
    yield function("change", "return NEVER", bodies.change).replace(f"change_{number}(c", f"upcoming_{number}(c")
    yield function(
        "each",
        f"s = {_empty(reader, plan)}",
        f"yield None, value_{number}(s, floor, now), test_{number}(s, floor, now)",
    )


def _empty(reader: Reader, plan: Plan) -> str:
    """A stream of nothing whose columns a kernel may index: an instant before all time would do, but has no value."""
    return "[[-NEVER]" + ", [None]" * max(1, len(plan.streams[reader.stream].columns)) + "]"


def _keyed(number: int, reader: Reader, plan: Plan, bodies: Kernel) -> Iterator[str]:
    """A leaf with `by`: `look_<n>` tells of one key; which of them hold is kept between events."""
    events = reader.leaf.measure.events
    low = ["low = floor"]
    if events.reset is not None and events.reset.match is not None:
        low += ["q = None if r is None else r.get(key)", "if q is not None and q[0][-1] > low: low = q[0][-1]"]
    head = _prologue(number, reader, plan, "return {nothing}")

    def function(name: str, nothing: str, *tail: str) -> str:
        return f"def {name}_{number}(c, now):\n{_indent(chr(10).join([*head, *tail]).format(nothing=nothing))}"

    look = [
        "def look(key):",
        "    group = s.get(key)",
        *(f"    {line}" for line in low),
        "    if group is None or group[0][-1] <= low: return False, NEVER",
        f"    change = change_{number}(group, low, now)",
        f"    if test_{number}(group, low, now): return True, min(change, group[0][-1] + {events.window})",
        "    return False, change",
    ]
    if plan.streams[reader.stream].visits:
        ask = "return Held.over(s, now, look)"
    else:
        ask = f"return held(c.held, {number}, now, s, look, ahead=now != c.at)"
    yield function("keys", "False, NEVER", *look, ask)
    yield f"def holds_{number}(c, now): return keys_{number}(c, now)[0]"
    yield f"def upcoming_{number}(c, now): return keys_{number}(c, now)[1]"
    each = ["for key, group in s.items():", *(f"    {line}" for line in low), "    if group[0][-1] > low:"]
    each.append(f"        yield key, value_{number}(group, low, now), test_{number}(group, low, now)")
    yield function("each", "", *each)


def _takes(segments: Sequence[Segment], plan: Plan) -> Iterator[str]:
    """A function for each kind of event that a rule names, and one for the clicks that none names."""
    named = {stream.events for stream in plan.streams}
    own = {name[7:-2]: name for name in named if name.startswith('event("')}
    kinds = {kind: {kind, "any_event"} | ({"visit"} if kind in VISIT_KINDS else set()) for kind in CLICK_KINDS}
    kinds |= {kind: {name, "any_event"} for kind, name in own.items()} | {OTHER: {"any_event"}}
    for place, (_, sets) in enumerate(kinds.items()):
        yield from _take(f"take_click_{place}", sets, segments, plan)
    for kind in ("purchase", "refund"):
        yield from _take(f"take_{kind}", {kind, f"{kind}.items", "any_event"}, segments, plan)
    yield f"TAKE = {{{', '.join(f'{kind!r}: take_click_{place}' for place, kind in enumerate(kinds))}}}"
    yield "TAKE_TRANSACTION = {'purchase': take_purchase, 'refund': take_refund}"


def _take(name: str, sets: set[str], segments: Sequence[Segment], plan: Plan) -> Iterator[str]:
    yield f"def {name}(c, e, t, now):"
    yield "    touched = 0"
    yield "    S = c.streams"
    if "purchase" in sets or "refund" in sets:
        yield f'    money = e["currency"] == {plan.currency!r}'
    for place, stream in enumerate(plan.streams):
        if stream.events in sets:
            yield _indent(_remember(place, stream, _readers_of(place, segments, plan), _heard(place, plan)))
    yield "    return touched"


def _readers_of(place: int, segments: Sequence[Segment], plan: Plan) -> int:
    from segments.language.text import leaves

    bits = 0
    for index, segment in enumerate(segments):
        for leaf in leaves(segment.when) + leaves(segment.until):
            reader = plan.readers.get(id(leaf))
            if reader is not None and place in (reader.stream, reader.reset):
                bits |= 1 << index
    return bits


def _heard(place: int, plan: Plan) -> str:
    """Tell the leaves with `by` that read a stream, or whose `since` it is, that something was heard."""
    lines = []
    for number, reader in enumerate(plan.readers.values()):
        events = reader.leaf.measure.events
        if events.key is None or plan.streams[reader.stream].visits:
            continue
        per_key = place == reader.stream or (place == reader.reset and events.reset is not None and events.reset.match)
        if per_key is not None and per_key is not False:
            lines.append(f"if {number} in c.held: c.held[{number}].stale.add(k)")
        elif place == reader.reset:
            lines.append(f"c.held.pop({number}, None)")
    return "\n".join(lines)


def _remember(place: int, stream: Stream, bits: int, heard: str) -> str:
    """Keep an event in one stream, if it passes and is not older than is needed."""
    row = [of_event(each) for each in stream.columns]
    tests = [f"t + {stream.keep + (1_800_000 if stream.visits else 0)} > now"]
    if stream.filter is not None:
        tests.append(filter_source(stream.filter, of_event))
    if stream.present is not None:
        tests.append(f"{of_event(stream.present)} is not None")
    body = _store(place, stream, row, bits)
    if stream.key is not None:
        body = _store_keyed(place, stream, row, bits) + ("\n" + heard if heard else "")
        body = f"k = {of_event(stream.key)}\nif k is not None:\n{_indent(body)}"
    elif heard:
        body += f"\n{heard}"
    text = f"if {' and '.join(tests)}:\n{_indent(body)}"
    return f'for line in e["items"]:\n{_indent(text)}' if stream.events.endswith(".items") else text


def _store(place: int, stream: Stream, row: list[str], bits: int) -> str:
    target, values = f"S[{place}]", "".join(f"{each}, " for each in row)
    lists = "[[t]" + "".join(f", [{each}]" for each in row) + ("" if not stream.visits else ", [t]") + "]"
    if stream.visits:
        return (
            f"s = {target}\nif s is None:\n    {target} = {lists}; touched |= {bits}; c.entries += 1\n"
            f"elif take_visit(s, t, ({values})):\n    touched |= {bits}; c.entries += 1\n"
            f"    if s[-1][0] + {stream.keep} + 1800000 <= now: prune_visits(s, now - {stream.keep})"
        )
    return _store_in(target, target, stream, row, bits, lists)


def _store_keyed(place: int, stream: Stream, row: list[str], bits: int) -> str:
    lists = "[[t]" + "".join(f", [{each}]" for each in row) + "]"
    first = f"g = S[{place}]\nif g is None: g = S[{place}] = {{}}\n"
    return first + _store_in("g.get(k)", "g[k]", stream, row, bits, lists)


def _store_in(source: str, target: str, stream: Stream, row: list[str], bits: int, lists: str) -> str:
    if stream.latest:
        return (
            f"s = {source}\nif s is None: {target} = {lists}; touched |= {bits}; c.entries += 1\n"
            f"elif t >= s[0][-1]: {target} = {lists}; touched |= {bits}"
        )
    appends = "; ".join(["s[0].append(t)", *(f"s[{column}].append({each})" for column, each in enumerate(row, 1))])
    values = "".join(f"{each}, " for each in row)
    return (
        f"touched |= {bits}; c.entries += 1\ns = {source}\nif s is None: {target} = {lists}\n"
        f"else:\n    if t >= s[0][-1]: {appends}\n    else: merge(s, t, ({values}))\n"
        f"    if s[0][0] + {stream.keep} <= now: prune(s, now - {stream.keep})"
    )
