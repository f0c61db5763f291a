"""From when on a rule is exact whose measures know only events from some instant on."""

from collections.abc import Mapping

from segments.engine import BEFORE_ALL, PlannedRules, RuleSet
from segments.insight import planned
from segments.language.nodes.text import measures_of_rule
from segments.plan.planner import kept


def warming(rules: RuleSet | PlannedRules, known_since: Mapping[str, int], now: int) -> dict[str, int]:
    """For each rule that is not exact yet, those that it reads included, the instant from which on it is.

    By then whatever a measure has not heard of is out of its window anyway.
    """
    if isinstance(rules, PlannedRules):
        return planned.warming(rules, known_since, now)
    own = []
    for segment in rules.segments:
        ends = [BEFORE_ALL]
        for measure in measures_of_rule(segment):
            since = known_since.get(rules.plan.readers[id(measure)].measure)
            ends += [] if since is None else [since + kept(measure.events)]
        own.append(max(ends))
    whole = {
        rule.id: max([own[place], *(own[other] for other in rule.reads)])
        for place, rule in enumerate(rules.data.rules)
    }
    return {name: until for name, until in whole.items() if until > now}
