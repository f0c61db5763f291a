"""A plan with the streams of another one beside its own: what a partition keeps while measures are filled from history.

The rules are those of the first plan. The streams and measures of the second one stand under marked identities, which
the engine knows (`src/filling.rs`): nothing reads them before a rule set takes over that goes on with them.
"""

from msgspec.structs import replace

from segments.plan import ir

MARK = "\x01"
"""What begins a marked identity."""


def mark(offset: int) -> str:
    """What begins the marked identities of the filling that a deployment at this offset asks for."""
    return f"{MARK}{offset}\n"


def beside(running: ir.Plan, filled: ir.Plan, offset: int) -> ir.Plan:
    """The plan of the rules that run, with what is to be filled.

    Streams of flips are left out, with the measures that read them: no history has the flips that rules would have had.
    """
    marked, topics = mark(offset), {topic.name: number for number, topic in enumerate(running.topics)}
    kept = [number for number, stream in enumerate(filled.streams) if not stream.flips]
    places = {number: len(running.streams) + place for place, number in enumerate(kept)}
    streams = [_stream(filled.streams[number], filled, topics, marked) for number in kept]
    bases = len(running.measures), len(running.borders)
    told = [ir.Leaf(each.name, "", each.asked) for rule in filled.rules for each in rule.details]
    read = [leaf for leaf in (*filled.leaves, *told) if _is_kept(leaf, places)]
    leaves = [_leaf(leaf, places, bases, marked) for leaf in read]
    return replace(
        running,
        retention=max(running.retention, filled.retention),
        streams=(*running.streams, *streams),
        measures=(*running.measures, *(marked + each for each in filled.measures)),
        leaves=(*running.leaves, *leaves),
        borders=(*running.borders, *filled.borders),
    )


def _stream(stream: ir.Stream, plan: ir.Plan, topics: dict[str, int], marked: str) -> ir.Stream:
    takes = [replace(take, topic=topics[plan.topics[take.topic].name]) for take in stream.takes]
    return replace(stream, identity=marked + stream.identity, takes=tuple(takes), readers=())


def _is_kept(leaf: ir.Leaf, places: dict[int, int]) -> bool:
    read = [each for asked in ir.measured_in(leaf.asked) for each in _streams(asked)]
    return bool(read) and all(each in places for each in read)


def _streams(asked: ir.Measured) -> list[int]:
    of = (asked.stream, asked.reset, *(after.stream for after in asked.after))
    return [each for each in of if each is not None]


def _leaf(leaf: ir.Leaf, places: dict[int, int], bases: tuple[int, int], marked: str) -> ir.Leaf:
    asked = leaf.asked
    if isinstance(asked, ir.Measured):
        asked = _measured(asked, places, bases)
    elif isinstance(asked, ir.Calculated):
        asked = replace(asked, parts=tuple(_measured(each, places, bases) for each in asked.parts))
    return replace(leaf, measure=marked + leaf.measure, asked=asked)


def _measured(asked: ir.Measured, places: dict[int, int], bases: tuple[int, int]) -> ir.Measured:
    measures, borders = bases
    return replace(
        asked,
        known=measures + asked.known,
        stream=places[asked.stream],
        reset=None if asked.reset is None else places[asked.reset],
        after=tuple(replace(each, stream=places[each.stream]) for each in asked.after),
        border=None if asked.border is None else borders + asked.border,
    )
