"""Why a customer is in a segment, or not: as a question to a partition, which changes nothing."""

from collections.abc import Mapping
from typing import Any

from segments.engine import BEFORE_ALL, Partition, PlannedRules, RuleSet, RuleView
from segments.insight import planned
from segments.insight.identity import identity_of
from segments.insight.told import leaf_places
from segments.insight.warming import warming
from segments.language.nodes.conditions import AllOf, AnyOf, Condition, Not
from segments.language.nodes.text import measures_in, rule_text

INSTANTS = frozenset({"clock", "at", "linked_at", "entered_at", "flips_at", "known_since", "warming_until"})
"""The names of what `why` tells in milliseconds, at whatever depth."""


def why(
    partition: Partition, customer_id: str, segment: str | None = None, at: int = BEFORE_ALL
) -> dict[str, Any]:
    """In or out of each segment, or of one, as of the clock of the partition or `at`; instants in milliseconds.

    A segment with values stands there for each of them.

    Beside what a segment event has, an entry of evidence tells the `operator`, the `kind` of its value
    (`told.leaf_kind`), the `part` of the rule (`when`, `until`), and the number of the `any_of` that it stands in.
    `known` is False for a customer of whom nothing is remembered, who is in no segment. `identity` is what
    `identity.identity_of` tells.
    """
    rules, found = partition.rules, partition.why(customer_id.encode(), at)
    now = found["now"]
    warm = warming(rules, partition.known_since, now)
    asked = [view for view in found["rules"] if segment in (None, view["segment"])]
    return {
        "customer_id": customer_id,
        "known": found["known"],
        "partition": partition.number,
        "deployment_id": None if partition.deployment is None else partition.deployment.deployment_id,
        "clock": now if now > BEFORE_ALL else None,
        "sequence": found["sequence"],
        "identity": identity_of(partition, customer_id),
        "segments": [
            _of_segment(rules, view, view["place"], partition.known_since)
            | {"warming_until": warm.get(view["segment"])}
            for view in sorted(asked, key=lambda view: rules.rank[view["place"]])
        ],
    }


def _of_segment(
    rules: RuleSet | PlannedRules, found: RuleView, place: int, known_since: Mapping[str, int]
) -> dict[str, Any]:
    if isinstance(rules, PlannedRules):
        return planned.of_segment(rules, found, place, known_since)
    segment, entries, inside = rules.segments[place], found["evidence"], found["inside"]
    places = leaf_places(segment)
    for leaf, entry, where in zip(rules.leaves[place], entries, places, strict=True):
        entry.update(where)
        entry["operator"] = getattr(leaf, "operator", "==")
        known = [known_since.get(rules.plan.readers[id(each)].measure) for each in measures_in(leaf)]
        entry["known_since"] = max((each for each in known if each is not None), default=None)
    holds = {id(leaf): entry["holds"] for leaf, entry in zip(rules.leaves[place], entries, strict=True)}
    tested = segment.until if inside and segment.until is not None else segment.when
    wanted = (segment.until is not None) if inside else True
    return {
        "segment": segment.id,
        "segment_version": rules.versions[place],
        "value": found["value"],
        "inside": inside,
        "entered_at": found["entered_at"],
        "episode": found["episode"],
        "evidence": entries,
        "would_change": sorted(set(_blocking(tested, holds, wanted=wanted))),
        "flips_at": found["flips_at"],
    }


def _blocking(condition: Condition, holds: Mapping[int, bool], *, wanted: bool) -> list[str]:
    """The leaves that would have to turn for a condition to be as wanted, in the notation of the rule."""
    match condition:
        case Not(inner):
            return _blocking(inner, holds, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            return [text for part in parts for text in _blocking(part, holds, wanted=wanted)]
    if holds[id(condition)] == wanted:
        return []
    text = rule_text(condition)
    return [text if wanted else f"not_({text})"]
