"""How long events matter to a rule, and how long after them it can change by itself, for the oracle."""

from decimal import Decimal

from segments.language.catalogue import SESSION_GAP
from segments.language.nodes.conditions import Comparison, Condition
from segments.language.nodes.events import Events
from segments.language.nodes.order import reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import measures_in, measures_of_rule
from segments.language.truth.memory import Memory
from segments.language.truth.oracle import bound_of


def retention(segment: Segment) -> int:
    """How long an event can matter to a rule; one that holds customers back counts the segments that it reads, too."""
    windows = [_kept(measure.events) + _flips(measure.events) for measure in measures_of_rule(segment)]
    back = segment.for_at_least + segment.at_most_every
    others = [retention(other) for other in reads(segment)]
    longest: int = max([0, *windows, *(others if back else ())])
    goal = segment.aim.goal
    return max(longest + back, 0 if goal is None else _kept(goal) + _flips(goal))


def _kept(events: Events) -> int:
    sets = (events, *events.chain)
    visits = any(each.source.visits for each in sets)
    follows = sum(each.span or 0 for each in sets)
    return (events.window or 0) + (events.offset or 0) + follows + SESSION_GAP * visits


def _flips(events: Events) -> int:
    """How much longer the flips of segments matter: as long as what these segments look at."""
    sources = [each.source for each in (events, *events.chain)]
    return max([0, *(retention(each.segment) for each in sources if each.flip)])


def spans(leaf: Condition, memory: Memory | None = None) -> set[int]:
    """How long after an event a leaf can change: as the event comes to count, as it ceases to, as a bound is passed."""
    found = set()
    for measure in measures_in(leaf):
        each = {0, measure.events.window or 0}
        bound = bound_of(leaf, memory or Memory()) if isinstance(leaf, Comparison) else None
        if measure.kind.grows and isinstance(bound, int | Decimal):
            each |= {int(bound), int(bound) + 1}
        found |= {span + (measure.events.offset or 0) for span in each}
    return found - {0}
