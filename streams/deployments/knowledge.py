"""Since when the measures of a group know events, by the deployments in the topic.

A measure knows events from the deployment on that brought it, or from the beginning if it came with the first one or
was filled. What a rule set no longer needs is kept for seven days: if a later one needs it until then it goes on.
Instants are Kafka timestamps, by which the engine keeps measures, too.
"""

from collections.abc import Mapping

from segments.engine import BEFORE_ALL, FILLED, KEPT, NEVER
from segments.plan import ir
from streams.deployments.records import Chains


def known_since(chains: Chains, now: int) -> dict[str, int]:
    """For each measure that the group keeps at an instant: from when on it knows events; BEFORE_ALL: always.

    Instants are in milliseconds.
    """
    since: dict[str, int] = {}
    until: dict[str, int] = {}
    filled = {each.id: set(each.planned.data.measures) for each in chains.fills}
    for each in chains.rules:
        _forget(since, until, each.timestamp)
        measures = set(each.planned.data.measures)
        for name in set(since) - measures:
            until.setdefault(name, each.timestamp + KEPT)
        first = BEFORE_ALL if each is chains.rules[0] else each.timestamp
        for name in measures:
            until.pop(name, None)
            is_filled = name in filled.get(each.id + FILLED, ())
            since[name] = BEFORE_ALL if is_filled else since.get(name, first)
    _forget(since, until, now)
    return since


def _forget(since: dict[str, int], until: dict[str, int], now: int) -> None:
    """Drop what was kept until then."""
    for name in [name for name, end in until.items() if end <= now]:
        del since[name], until[name]


def unknown(plan: ir.Plan, known: Mapping[str, int], now: int) -> tuple[str, ...]:
    """The measures of a plan that do not know events of their whole window at an instant, in milliseconds."""
    windows = windows_of(plan)
    return tuple(name for name in plan.measures if known.get(name, NEVER) > now - windows[name])


def windows_of(plan: ir.Plan) -> dict[str, int]:
    """For each measure of a plan how far back it looks, in milliseconds."""
    asked = [leaf.asked for leaf in plan.leaves]
    asked += [detail.asked for rule in plan.rules for detail in rule.details]
    parts = (part for each in asked for part in ir.measured_in(each))
    return {plan.measures[each.known]: each.window + each.offset for each in parts}


def looked_back(chains: Chains, now: int) -> int:
    """Milliseconds for which a customer without an event is remembered, at an instant: as what is kept needs it."""
    running = chains.running
    if running is None:
        return 0
    replaced = zip(chains.rules, chains.rules[1:], strict=False)
    left = [before for before, after in replaced if after.timestamp + KEPT > now]
    return max(each.planned.data.retention for each in (running, *left))
