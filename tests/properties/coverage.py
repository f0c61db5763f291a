"""What the random rules and stories meet: a table of measures against all that can narrow, combine or befall them.

A cell counts the examples in which a rule with such a measure *flipped*: what never matters is not covered.
"""

from collections import Counter
from collections.abc import Iterator
from random import Random

from segments.language import Segment
from segments.language.nodes.conditions import AllOf, AnyOf, Comparison, Condition, Not
from segments.language.nodes.text import leaves, measures_in
from segments.language.truth.matters import spans as spans_of
from tests.properties.constructs import OF_RULES, constructs
from tests.properties.model import World
from tests.properties.rules import HELD_BACK, NAMES, SHAPES, STEPS
from tests.properties.stories import AIMS, BEFALLS, BESIDE, Example, example

ANY = "any"
"""Whatever is measured."""
COLUMNS = (*STEPS, *SHAPES, *BEFALLS)
OF_PROFILES = {"profile", "has", "consent"}
"""Constructs that read what all sources of profiles told."""
ENOUGH = 1
"""Examples without which a cell is thin: the run of 2,000 leaves no cell empty."""


CELLS = (
    *((measure, column) for measure in NAMES for column in COLUMNS),
    *((ANY, column) for column in OF_RULES),
)


class Coverage:
    """Counts the cells of the table."""

    def __init__(self) -> None:
        self.cells: Counter[tuple[str, str]] = Counter()
        self.examples = 0

    def add(self, example: Example, world: World) -> None:
        """Note what an example met."""
        self.examples += 1
        flipped = {flip["segment"] for flips in world.output.flips.values() for flip in flips}
        met = {
            cell for each in example.segments if each.id in flipped for cell in cells(each, example, world)
        }
        self.cells.update(met)

    def may_fill(self, example: Example) -> bool:
        """Whether an example may fill a cell that is thin, if its rules flip and what may befall them does."""
        thin = {*self.thin}
        return any(cell in thin for each in example.segments for cell in cells(each, example, None))

    def towards(self, most: int, seed: str) -> Iterator[Example]:
        """Of so many examples that are about the thin cells those which may fill one, until none is thin.

        Drawing one costs a tenth of living through it.
        """
        random = Random(seed)
        for _ in range(most):
            if not (thin := self.thin):
                return
            drawn = example(random.choice, [cell for cell in thin if cell in AIMS] or AIMS)
            if self.may_fill(drawn):
                yield drawn

    @property
    def thin(self) -> list[tuple[str, str]]:
        """The cells that hardly an example met."""
        return [cell for cell in CELLS if self.cells[cell] < ENOUGH]

    def __str__(self) -> str:
        lines = [f"{self.examples} examples", " " * 10 + "".join(f"{column:>9}" for column in COLUMNS)]
        for measure in NAMES:
            counts = "".join(f"{self.cells[measure, column]:>9}" for column in COLUMNS)
            lines.append(f"{measure:<10}{counts}")
        lines += [f"{column}: {self.cells[ANY, column]}" for column in OF_RULES]
        return "\n".join(lines)


def cells(segment: Segment, example: Example, world: World | None) -> Iterator[tuple[str, str]]:
    """The cells that a rule of an example meets if it flips; without a world all that may befall it is taken to."""
    rules = example.segments
    heard = {other.id for each in rules for other in flips_read(each)}
    read = {leaf.id for each in rules for leaf in leaves_of(each) if isinstance(leaf, Segment)}
    bound = {"until"} if segment.until is not None else set[str]()
    bound |= {name for name in HELD_BACK if getattr(segment, name)}
    bound |= {"for_each"} if segment.for_each is not None else set()
    bound |= {"stages"} if segment.stages else set()
    bound |= {"flips"} if segment.id in heard or flips_read(segment) else set()
    bound |= {"segment"} if segment.id in read or reads(segment) else set()
    made = constructs(segment)
    made |= {"sources"} if example.sources and made & OF_PROFILES else set()
    yield from ((ANY, column) for column in made & {*OF_RULES})
    for measure, columns in met_by(segment, world):
        yield from ((measure, column) for column in columns | bound)


def leaves_of(segment: Segment) -> list[Condition]:
    """All leaves of a rule."""
    return leaves(segment.when) + leaves(segment.until)


def reads(segment: Segment) -> bool:
    """Whether a rule reads another segment."""
    return any(isinstance(leaf, Segment) for leaf in leaves_of(segment))


def flips_read(segment: Segment) -> list[Segment]:
    """The segments whose enters or exits a rule reads."""
    sets = [each.source for leaf in leaves_of(segment) for m in measures_in(leaf) for each in m.events.sets]
    return [each.segment for each in sets if each.flip]


def met_by(segment: Segment, world: World | None) -> Iterator[tuple[str, set[str]]]:
    """Each measure of a rule with the columns it meets."""
    for root in (segment.when, segment.until):
        for leaf, around in [] if root is None else within(root, frozenset()):
            columns = around | narrowed(leaf)
            columns |= {"plain"} if columns == {"within"} else set()
            yield leaf.measure.name, columns | ({*BEFALLS} if world is None else befallen(leaf, world))


def within(node: Condition, around: frozenset[str]) -> Iterator[tuple[Comparison, set[str]]]:
    """Each comparison with what stands around it."""
    match node:
        case Comparison():
            yield node, set(around)
        case Not(inner):
            yield from within(inner, around | {"not_"})
        case AnyOf(parts):
            for part in parts:
                yield from within(part, around | {"any_of"})
        case AllOf(parts):
            for part in parts:
                yield from within(part, around)


def narrowed(leaf: Comparison) -> set[str]:
    """How the events of a measure are narrowed."""
    events = leaf.measure.events
    held = {
        "where": events.filter is not None,
        "by": events.key is not None,
        "since": events.reset is not None,
        "same": events.reset is not None and events.reset.match is not None,
        "ago": events.offset is not None,
        "after": bool(events.chain),
        "chain": len(events.chain) > 1,
    }
    return {name for name, there in held.items() if there} or {"within"}


def befallen(leaf: Comparison, world: World) -> set[str]:
    """What happens in the story."""
    spans = spans_of(leaf)
    return set(world.met) | {
        name for name, by in BESIDE.items() if any(span + by in world.apart for span in spans)
    }
