"""What may be said of measures in another way than a rule writes it: percentages, one window for all, nothing since."""

from decimal import Decimal

from segments.language.catalogue import EventSet
from segments.language.nodes.arithmetic import Calculated, Quotient, measures_of, power_of_money
from segments.language.nodes.events import Events
from segments.language.nodes.measures import Measure
from segments.language.nodes.predictions import Predicted


def one_window(leaf: Calculated) -> Events | None:
    """Events with the window of all measures of a calculation, which is then told once; None if they differ."""
    found = list(measures_of(leaf))
    first = found[0].events
    if len(found) < 2 or first.offset or not first.window:
        return None
    plain = all(not isinstance(each, Predicted) and each.events.reset is None for each in found)
    same = all(_window(each.events) == _window(first) for each in found)
    return first if plain and same else None


def _window(events: Events) -> tuple[object, ...]:
    return events.window, events.offset, events.period


def share_of(leaf: Calculated) -> tuple[Measure, Measure, Decimal] | None:
    """Part, whole and percentage of a quotient of two numbers that is compared with a number up to 1; else None."""
    left, right = leaf.left, leaf.right
    if not isinstance(left, Quotient) or not isinstance(right, int | Decimal) or not 0 < right <= 1:
        return None
    part, whole = left.parts
    if not isinstance(part, Measure) or not isinstance(whole, Measure) or power_of_money(left) != 0:
        return None
    return part, whole, 100 * Decimal(right)


def ends_it(measure: Measure) -> bool:
    """Whether `the latest since a purchase` is `the latest, and no purchase since`: the latest event decides."""
    events, reset = measure.events, measure.events.reset
    if reset is None or reset.match is not None or _meet(events.source, reset.source):
        return False
    return measure.kind.latest and not events.offset and events.period is None


def _meet(one: EventSet, other: EventSet) -> bool:
    """Whether an event may be in both sets: then none is later than itself."""
    if one.flip or other.flip:
        return one.name == other.name
    kinds = set(one.kinds or ()) & set(other.kinds or ()) or None in (one.kinds, other.kinds)
    return bool(set(one.topics) & set(other.topics) and kinds)


def contains(whole: Measure, part: Measure) -> bool:
    """Whether the events of a measure are all among those of another one of the same kind."""
    of, among = whole.events, part.events
    narrowed = (of.filter, of.key, of.follows, of.reset, among.reset)
    return (
        (whole.name, str(whole.field), of.source) == (part.name, str(part.field), among.source)
        and _window(of) == _window(among)
        and all(each is None for each in narrowed)
    )
