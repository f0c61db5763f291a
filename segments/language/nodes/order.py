"""The order of rules: which segments a rule reads, and a rule set with each rule after those that it reads."""

from collections.abc import Iterable

from segments.language.errors import RuleError
from segments.language.nodes.fields import refuse_depth
from segments.language.nodes.measures import Measure
from segments.language.nodes.segment import Segment, ValueOf
from segments.language.nodes.text import leaves, measures_in


def reads(segment: Segment) -> list[Segment]:
    """The segments whose membership, enters or exits a rule reads, in source order."""
    found: list[Segment] = []
    for leaf in leaves(segment.when) + leaves(segment.until):
        found += [leaf] if isinstance(leaf, Segment) else []
        found += [leaf.segment] if isinstance(leaf, ValueOf) else []
        found += flips_in(measures_in(leaf))
    found += flips_in(measure for _, measure in segment.details)
    return list({other.id: other for other in found}.values())


def aimed_at(segment: Segment) -> list[Segment]:
    """The segment whose enters or exits are the goal of a rule: it takes part, and is not read."""
    goal = segment.aim.goal
    return [goal.source.segment] if goal is not None and goal.source.flip else []


def flips_in(measures: Iterable[Measure]) -> list[Segment]:
    """The segments whose enters or exits measures are taken of, in source order."""
    sets = [events.source for measure in measures for events in measure.events.sets]
    return [each.segment for each in sets if each.flip]


def in_order(segments: Iterable[Segment]) -> list[Segment]:
    """The segments with each after those that it reads; otherwise by id.

    Raises RuleError for two segments of one id, and for a cycle.
    """
    ordered: dict[str, Segment] = {}

    def visit(segment: Segment, path: tuple[Segment, ...]) -> None:
        held = ordered.setdefault(segment.id, segment)
        if held is not segment:
            raise _twice(segment, held)
        if segment in path:
            raise _cycle(segment, path)
        refuse_depth(len(path))
        for other in sorted({*reads(segment), *aimed_at(segment)}, key=lambda each: each.id):
            if other not in done:
                visit(other, (*path, segment))
        done[segment] = None

    done: dict[Segment, None] = {}
    for segment in sorted(segments, key=lambda each: each.id):
        if segment not in done:
            visit(segment, ())
    return list(done)


def require(segments: Iterable[Segment], consent: str) -> None:
    """Put a consent beside what these segments, and those that they read, say; "" takes it away."""
    for segment in in_order(segments):
        segment.require(consent)


def _twice(segment: Segment, first: Segment) -> RuleError:
    problem = f"There are two rules named {segment.id}; the other is {first.origin}."
    return RuleError(problem, "Rename one of them; segments made in Python have id=.", segment.origin)


def _cycle(segment: Segment, path: tuple[Segment, ...]) -> RuleError:
    cycle = " → ".join(each.id for each in (*path[path.index(segment) :], segment))
    mend = "Let one of them say what it needs without reading the other."
    return RuleError(f"A cycle is refused: {cycle}.", mend, segment.origin)
