"""What the language can say and the oracle judge, and the engine of this version cannot do yet: refused, in words."""

from collections.abc import Iterator

from segments.language.catalogue import CALENDAR, TOTAL, Type
from segments.language.errors import Origin
from segments.language.measures import COMING
from segments.language.nodes.arithmetic import Calculated
from segments.language.nodes.conditions import Comparison, Condition
from segments.language.nodes.fields import AllTests, AnyTest, Field, Filter, NotTest, Test
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import leaf_text, leaves

FIELDS = tuple(each.name for each in (*CALENDAR, TOTAL))
MEND = "Leave it out; a later version runs such a rule."
MEND_CALCULATION = "Compare each measure with a number of its own; a later version runs such a rule."


def check_coming(leaf: Condition) -> Iterator[tuple[Origin, str, str, bool]]:
    """A fault for each thing that the engine cannot do yet."""
    match leaf:
        case Calculated(origin=origin):
            problem = f"{leaf_text(leaf)}: the engine of this version does not calculate with measures."
            yield origin, problem, MEND_CALCULATION, True
        case Comparison(measure, origin=origin):
            for what in dict.fromkeys(_unknown(measure)):
                yield origin, f"{what}: the engine of this version does not know it.", MEND, True


def is_coming(segment: Segment) -> bool:
    """Whether the engine of this version cannot do a rule yet."""
    return any(True for leaf in leaves(segment.when) + leaves(segment.until) for _ in check_coming(leaf))


def _unknown(measure: Measure) -> Iterator[str]:
    if measure.name in COMING:
        yield measure.name
    for field in _fields(measure):
        of_order = field.key is not None and field.events.orders
        if field.type is Type.NUMBER or of_order or (field.key is None and field.name in FIELDS):
            yield str(field)


def _fields(measure: Measure) -> Iterator[Field]:
    events = measure.events
    for each in events.sets:
        yield from fields_in(each.filter)
        yield from (field for field in (each.key, each.match) if field is not None)
    if measure.field is not None:
        yield measure.field


def fields_in(test: Filter | None) -> Iterator[Field]:
    """The fields that a filter reads."""
    match test:
        case Test(field):
            yield field
        case NotTest(inner):
            yield from fields_in(inner)
        case AnyTest(tests) | AllTests(tests):
            for each in tests:
                yield from fields_in(each)
