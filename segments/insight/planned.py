"""What `why` and `warming` say where a partition has no rule files: from the plan of a deployment alone."""

from collections.abc import Iterator, Mapping
from typing import Any

from segments.engine import BEFORE_ALL, PlannedRules, RuleSet, RuleView
from segments.insight.told import leaf_places
from segments.language.catalogue import SESSION_GAP, Type
from segments.language.nodes.durations import Duration
from segments.language.nodes.text import literal
from segments.plan import ir
from segments.plan.bounds import SCALES

CENTS = 100
"""The scale of money."""

Place = tuple[int, str, int | None]
"""A leaf, the part of the rule that it stands in, and the outermost `any_of` within that part, by its number."""


def of_segment(
    rules: PlannedRules, found: RuleView, place: int, known_since: Mapping[str, int]
) -> dict[str, Any]:
    """One rule with its evidence, as `why` tells it."""
    plan, rule, inside = rules.data, rules.data.rules[place], found["inside"]
    for (number, part, any_of), entry in zip(_places(rule), found["evidence"], strict=True):
        leaf = plan.leaves[number]
        asked = leaf.asked
        known = [since for since, _ in _known(asked, plan, known_since)]
        entry |= {
            "kind": _kind(asked),
            "part": part,
            "any_of": any_of,
            "operator": operator_of(asked),
            "known_since": max(known, default=None),
        }
    numbers = (number for number, _, _ in _places(rule))
    holds = {number: entry["holds"] for number, entry in zip(numbers, found["evidence"], strict=True)}
    tested = rule.until if inside and rule.until is not None else rule.when
    wanted = (rule.until is not None) if inside else True
    blocking = _blocking(tested, plan, holds, wanted=wanted)
    return {
        "segment": rule.id,
        "segment_version": rule.version,
        "value": found["value"],
        "inside": inside,
        "entered_at": found["entered_at"],
        "episode": found["episode"],
        "evidence": found["evidence"],
        "would_change": sorted(set(blocking)),
        "flips_at": found["flips_at"],
    }


def places(rules: RuleSet | PlannedRules) -> list[list[dict[str, Any]]]:
    """For each rule, for each leaf in the order of evidence: its kind, its part and the `any_of` it stands in."""
    if isinstance(rules, RuleSet):
        return [leaf_places(segment) for segment in rules.segments]
    plan = rules.data
    return [
        [
            {"kind": _kind(plan.leaves[number].asked), "part": part, "any_of": any_of}
            for number, part, any_of in _places(rule)
        ]
        for rule in plan.rules
    ]


def warming(rules: PlannedRules, known_since: Mapping[str, int], now: int) -> dict[str, int]:
    """For each rule that is not exact yet, those that it reads included, the instant from which on it is."""
    plan = rules.data
    own = []
    for rule in plan.rules:
        ends = [BEFORE_ALL]
        for number in rule.leaves:
            asked = plan.leaves[number].asked
            ends += [since + _kept(each, plan) for since, each in _known(asked, plan, known_since)]
        for told in rule.details:
            ends += [since + _kept(each, plan) for since, each in _known(told.asked, plan, known_since)]
        own.append(max(ends))
    whole = {
        rule.id: max(own[each] for each in (place, *rule.reads)) for place, rule in enumerate(plan.rules)
    }
    return {name: until for name, until in whole.items() if until > now}


def _known(
    asked: ir.Asked, plan: ir.Plan, known_since: Mapping[str, int]
) -> Iterator[tuple[int, ir.Measured]]:
    """The measures of a leaf that did not know events from the beginning, each with the instant from which it does."""
    for each in ir.measured_in(asked):
        since = known_since.get(plan.measures[each.known])
        if since is not None:
            yield since, each


def _kept(asked: ir.Measured, plan: ir.Plan) -> int:
    """How long an event matters to a measure, in milliseconds."""
    streams = [asked.stream, *(each.stream for each in asked.after)]
    visits = any(plan.streams[each].visits for each in streams)
    return (
        asked.window + asked.offset + sum(each.span for each in asked.after) + (SESSION_GAP if visits else 0)
    )


def _kind(asked: ir.Asked) -> str:
    match asked:
        case ir.Measured(kind="mean" | "decimal", scale=scale):
            return "money" if scale == SCALES[Type.MONEY] else "number"
        case ir.Measured(kind=kind):
            return kind
        case ir.OfProfile():
            return "profile"
        case ir.OfDate(years=years):
            return "date" if years else "duration"
        case ir.Today(part=part):
            return "number" if part in ("hour", "month") else "text"
        case ir.Calculated(left_kind=kind):
            return kind if kind in ("duration", "money") else "number"
    return "truth"


def operator_of(asked: ir.Asked) -> str:
    """The operator of a leaf as evidence tells it."""
    match asked:
        case ir.Measured(comparison=comparison) | ir.Today(comparison=comparison):
            found = comparison.operator
        case (
            ir.OfProfile(operator=operator) | ir.OfDate(operator=operator) | ir.Calculated(operator=operator)
        ):
            found = operator
        case _:
            return "=="
    return "is_in" if found == "in" else found


def _places(rule: ir.Rule) -> Iterator[Place]:
    """The leaves of a rule as its evidence has them: those of `when`, then those of `until`."""
    for part, condition in (("when", rule.when), ("until", rule.until)):
        groups = iter(range(len(rule.leaves)))
        if condition is not None:
            for leaf, any_of in _leaves(condition, None, groups):
                yield leaf, part, any_of


def _leaves(
    condition: ir.Condition, any_of: int | None, groups: Iterator[int]
) -> Iterator[tuple[int, int | None]]:
    match condition:
        case ir.IsLeaf(leaf):
            yield leaf, any_of
        case ir.Not(inner):
            yield from _leaves(inner, any_of, groups)
        case ir.All(parts):
            for part in parts:
                yield from _leaves(part, any_of, groups)
        case ir.AtLeastOne(parts):
            within = next(groups) if any_of is None else any_of
            for part in parts:
                yield from _leaves(part, within, groups)


def _blocking(
    condition: ir.Condition, plan: ir.Plan, holds: Mapping[int, bool], *, wanted: bool
) -> list[str]:
    """The leaves that would have to turn for a condition to be as wanted, in the notation of the rule."""
    match condition:
        case ir.Not(inner):
            return _blocking(inner, plan, holds, wanted=not wanted)
        case ir.All(parts) | ir.AtLeastOne(parts):
            return [text for part in parts for text in _blocking(part, plan, holds, wanted=wanted)]
        case ir.IsLeaf(leaf) if holds[leaf] != wanted:
            text = _leaf_text(plan.leaves[leaf], plan)
            return [text if wanted else f"not_({text})"]
    return []


def _leaf_text(leaf: ir.Leaf, plan: ir.Plan) -> str:
    """A leaf as a rule has it."""
    operator = operator_of(leaf.asked)
    match leaf.asked:
        case ir.Measured(border=int(border)):
            bound = f"top(percent={plan.borders[border].percent})"
        case ir.Measured(kind="duration"):
            bound = str(Duration(int(leaf.bound)))
        case ir.OfDate(years=False):
            bound = str(Duration(int(leaf.bound)))
        case ir.OfDate():
            bound = leaf.bound
        case (
            ir.Measured(comparison=ir.Comparison(texts=(_, *_) as texts))
            | ir.Today(comparison=ir.Comparison(texts=(_, *_) as texts))
        ):
            bound = literal(texts if operator == "is_in" else texts[0])
        case ir.OfProfile(bounds=bounds):
            values = tuple(each.value for each in bounds)
            bound = literal(values if operator == "is_in" else values[0])
        case ir.Calculated(left_kind="duration", right_kind=None):
            bound = str(Duration(int(leaf.bound)))
        case ir.Today(comparison=ir.Comparison(numbers=(_, *_) as numbers)) if operator == "is_in":
            bound = f"({', '.join(numbers)}{',' if len(numbers) == 1 else ''})"
        case ir.Measured() | ir.Today() | ir.Calculated(right_kind=None):
            bound = leaf.bound
        case _:
            return leaf.measure
    return f"{leaf.measure}.is_in{bound}" if operator == "is_in" else f"{leaf.measure} {operator} {bound}"
