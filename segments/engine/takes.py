"""Source text of what an event leaves behind: for each kind a function that puts it into the streams which want it.

An event costs only what its kind can change: each function names the streams of its kind, and which rules read them.
"""

from collections.abc import Iterator, Sequence

from segments.engine.source import filter_source, indent, of_event
from segments.language.catalogue import CLICKSTREAM, ON_SITE
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaves
from segments.plan.planner import Plan, Stream

OTHER = ""
"""The kind of a click that no rule names."""


def takes(segments: Sequence[Segment], plan: Plan) -> Iterator[str]:
    """A function for each kind of event that a rule names, and one for the clicks that none names."""
    named = [stream.events for stream in plan.streams]
    own = {each.own_kind: each.name for each in named if each.own_kind is not None}
    kinds = {
        kind: {kind, "any_event"} | ({"visit", "on_site"} if kind in ON_SITE else set())
        for kind in CLICKSTREAM.kinds
    }
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
        if stream.events.name in sets:
            yield indent(_remember(place, stream, _readers_of(place, segments, plan), _heard(place, plan)))
    yield "    return touched"


def _readers_of(place: int, segments: Sequence[Segment], plan: Plan) -> int:
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
        if events.key is None or events.offset or plan.streams[reader.stream].visits:
            continue
        same = events.reset is not None and events.reset.match is not None and not plan.streams[place].visits
        if place == reader.stream or (place == reader.reset and same):
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
        body = f"k = {of_event(stream.key)}\nif k is not None:\n{indent(body)}"
    elif heard:
        body += f"\n{heard}"
    text = f"if {' and '.join(tests)}:\n{indent(body)}"
    return f'for line in e["items"]:\n{indent(text)}' if stream.events.lines else text


def _store(place: int, stream: Stream, row: list[str], bits: int) -> str:
    target, values = f"S[{place}]", "".join(f"{each}, " for each in row)
    lists = "[[t]" + "".join(f", [{each}]" for each in row) + ("" if not stream.visits else ", [t]") + "]"
    if stream.visits:
        return (
            f"s = {target}\nif s is None:\n    {target} = {lists}; touched |= {bits}; c.entries += 1\n"
            # A late event may go on with a visit that was not needed any more.
            f"elif take_visit(s, t, ({values})) or t < now:\n    touched |= {bits}; c.entries += 1\n"
            f"    if s[-1][0] + {stream.keep} + 1800000 <= now: prune_visits(s, now - {stream.keep})"
        )
    return _store_in(target, target, stream, row, bits, lists)


def _store_keyed(place: int, stream: Stream, row: list[str], bits: int) -> str:
    lists = "[[t]" + "".join(f", [{each}]" for each in row) + "]"
    first = f"g = S[{place}]\nif g is None: g = S[{place}] = {{}}\n"
    # Taken out and put back, so that those behind which something was added stand last: see `later`.
    return first + _store_in("g.pop(k, None)", "g[k]", stream, row, bits, lists)


def _store_in(source: str, target: str, stream: Stream, row: list[str], bits: int, lists: str) -> str:
    if stream.latest:
        begun, gone_on = _told(stream, "None"), _told(stream, f"s[0][-1] + {stream.keep}")
        return (
            f"s = {source}\nif s is None:\n    {target} = {lists}; touched |= {bits}; c.entries += 1{begun}\n"
            f"elif t >= s[0][-1]:\n    if s[0][-1] + {stream.keep} <= now: c.entries += 1{gone_on}\n"
            f"    {target} = {lists}; touched |= {bits}"
            + (f"\nelse: {target} = s" if stream.key is not None else "")
        )
    appends = "; ".join(
        ["s[0].append(t)", *(f"s[{column}].append({each})" for column, each in enumerate(row, 1))]
    )
    values = "".join(f"{each}, " for each in row)
    return (
        f"touched |= {bits}; c.entries += 1{_told(stream, 'None', 0)}\ns = {source}\nif s is None: {target} = {lists}\n"
        f"else:\n    if t >= s[0][-1]: {appends}\n    else: merge(s, t, ({values}))\n"
        f"    if s[0][0] + {stream.keep} <= now: prune(s, now - {stream.keep})"
        + (f"\n    {target} = s" if stream.key is not None else "")
    )


def _told(stream: Stream, instead: str, depth: int = 1) -> str:
    """Tell a customer who is near the limit when an entry of one key will not be needed any more."""
    if stream.key is None:
        return ""
    return f"\n{'    ' * depth}if c.ends is not None: until(c.ends, t + {stream.keep}, {instead})"
