"""How long a condition can hold without a break: what `for_at_least` may ask for."""

from collections.abc import Iterator
from math import inf

from segments.language.nodes.conditions import AllOf, Comparison, Condition
from segments.language.nodes.durations import Duration
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import measure_text


def check_lasting(segment: Segment) -> Iterator[tuple[str, str]]:
    """What is wrong with `for_at_least`: the problem, and what to write instead."""
    if not segment.for_at_least:
        return
    span = Duration(segment.for_at_least)
    if segment.until is not None:
        problem = f"for_at_least={span} does not go with until: what lasts is when alone."
        yield problem, "Leave one of them out; put the condition of until into when, in a list: not_(...)."
    for leaf in _needed(segment.when):
        longest = _longest(leaf)
        if segment.for_at_least >= longest:
            text = f"{measure_text(leaf.measure)} {leaf.operator} {Duration(_bound(leaf))}"
            holds = f"holds for less than {Duration(int(longest))} without a break"
            if longest == 1:
                holds = "holds for a single millisecond"
            problem = f"for_at_least={span} is out of reach: {text} {holds}."
            yield problem, "Ask for less, or look further back with within."


def _needed(condition: Condition) -> Iterator[Comparison]:
    """The comparisons without which the condition does not hold."""
    if isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, AllOf):
        for part in condition.parts:
            yield from _needed(part)


def _bound(leaf: Comparison) -> int:
    return leaf.bound if isinstance(leaf.bound, int) else 0


def _longest(leaf: Comparison) -> float:
    """Milliseconds from which on it can't hold without a break, whatever happens.

    The latest event leaves its window, and a later one begins to count anew; the earliest becomes too old. With `by`
    another value may hold as one ceases to, and after `since` another event is the earliest.
    """
    measure, operator, bound = leaf.measure, leaf.operator, _bound(leaf)
    events = measure.events
    if not measure.kind.grows or events.key is not None or events.window is None:
        return inf
    if operator == "==":
        return 1
    if measure.kind.latest:
        return events.window - bound - (operator == ">") if operator in (">=", ">") else inf
    return bound + (operator == "<=") if operator in ("<", "<=") and events.reset is None else inf
