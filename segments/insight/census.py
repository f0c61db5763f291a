"""All customers at one moment, counted: how far they get in each rule, what they measure, whom time alone will change.

Counts of several partitions can be added up: the bounds of the groups depend on the rule alone.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from segments.engine import PlannedRules, RuleSet, WhyView
from segments.insight.planned import places
from segments.insight.ranking import MILLION, decimal_text

GROUPS = 30
"""Of values; the bound stands after the tenth. One more has what is larger."""
BEFORE_BOUND = 10
HOUR = 3_600_000
"""Milliseconds."""
AHEAD_HOURS = 168
"""A week of flips by time."""
PERCENTILES = (10, 25, 50, 75, 90, 99)
"""That are told of the values of a condition."""
LARGEST = 2**63 - 1
"""Millionths: what fits eight bytes."""


@dataclass(slots=True)
class Leaf:
    """A condition of a rule, and how many customers hold it."""

    measure: str
    bound: str
    kind: str
    holds: int = 0
    reached: int = 0
    """Who hold it and all conditions before it."""
    missing: int = 0
    """Who have no value."""
    width: Decimal | None = None
    """Of a group of values; None: the bound is no number, so there are no groups."""
    groups: list[int] = field(default_factory=list)
    values: "array[int] | None" = None
    """All of them in millionths, eight bytes each, if percentiles are asked for."""

    def note(self, value: str | None) -> None:
        """Count a value."""
        if value is None:
            self.missing += 1
        elif self.width is not None:
            group = int(max(Decimal(0), Decimal(value)) / self.width)
            self.groups[min(group, GROUPS)] += 1
            if self.values is not None:
                self.values.append(min(LARGEST, round(Decimal(value) * MILLION)))

    def told(self) -> dict[str, Any]:
        """As plain values: for each group its lower end, its upper one (null: none), and the customers in it."""
        found: dict[str, Any] = {
            name: getattr(self, name) for name in ("measure", "bound", "kind", "holds", "reached", "missing")
        }
        if self.width is not None:
            ends = [f"{(self.width * each).normalize():f}" for each in range(GROUPS + 1)]
            found["groups"] = [
                {"from": low, "to": high, "customers": count}
                for low, high, count in zip(ends, [*ends[1:], None], self.groups, strict=True)
            ]
        if self.values is not None:
            found["percentiles"] = self._percentiles(sorted(self.values))
        return found

    def _percentiles(self, values: Sequence[int]) -> dict[str, str]:
        """The smallest values that so many per cent of those who have one do not exceed; none without values."""
        if not values:
            return {}
        at = {percent: values[-(-len(values) * percent // 100) - 1] for percent in PERCENTILES}
        return {f"{percent}": decimal_text(value) for percent, value in at.items()}


@dataclass(slots=True)
class RuleCensus:
    """One rule, counted."""

    segment: str
    leaves: list[Leaf]
    inside: int = 0
    ahead: Counter[tuple[int, str]] = field(default_factory=Counter)
    """Hour and transition: by time alone somebody enters or leaves in it, or later."""


class Census:
    """Counts customers one by one."""

    def __init__(
        self,
        rules: RuleSet | PlannedRules,
        views: Sequence[Mapping[str, Any]],
        *,
        percentiles: bool = False,
    ) -> None:
        """Count by these rules; `views` is what `Partition.why` says of each of them, of anybody.

        `percentiles`: keep every value and tell them; such counts can't be added up.
        """
        self.customers = 0
        self.at: int | None = None
        """The clock when the latest customer was counted, in milliseconds."""
        self.rules = [
            RuleCensus(name, [_leaf(*each) for each in zip(view["evidence"], of_rule, strict=True)])
            for name, view, of_rule in zip(rules.ids, views, places(rules), strict=True)
        ]
        for leaf in (each for rule in self.rules for each in rule.leaves if percentiles and each.groups):
            leaf.values = array("q")

    def note(self, found: WhyView) -> None:
        """Count a customer of whom something is known."""
        if not found["known"]:
            return
        self.customers += 1
        self.at = found["now"]
        inside = {view["place"] for view in found["rules"] if view["inside"]}
        counted = set[int]()
        for view in found["rules"]:
            # Of a segment with values a customer counts once: with the first value, inside of one if in any.
            if view["place"] in counted or (not view["inside"] and view["place"] in inside):
                continue
            counted.add(view["place"])
            rule = self.rules[view["place"]]
            rule.inside += view["inside"]
            through = True
            for leaf, entry in zip(rule.leaves, view["evidence"], strict=True):
                through = through and entry["holds"]
                leaf.holds += entry["holds"]
                leaf.reached += through
                leaf.note(entry["value"])
            if (at := view["flips_at"]) is not None and at < found["now"] + AHEAD_HOURS * HOUR:
                rule.ahead[at // HOUR * HOUR, "exit" if view["inside"] else "enter"] += 1

    def told(self) -> dict[str, Any]:
        """As plain values; instants in milliseconds."""
        return {
            "customers": self.customers,
            "at": self.at,
            "segments": {
                rule.segment: {
                    "inside": rule.inside,
                    "leaves": [leaf.told() for leaf in rule.leaves],
                    "ahead": [
                        {"hour": hour, "transition": transition, "customers": count}
                        for (hour, transition), count in sorted(rule.ahead.items())
                    ],
                }
                for rule in self.rules
            },
        }


def _leaf(entry: Mapping[str, Any], place: Mapping[str, Any]) -> Leaf:
    leaf = Leaf(entry["measure"].partition("[")[0], entry["bound"], place["kind"])
    if place["kind"] in ("duration", "money", "number"):
        try:
            bound = Decimal(entry["bound"])
        except InvalidOperation:
            return leaf  # another measure stands there
        few = place["kind"] == "number" and 0 < bound < BEFORE_BOUND and bound == int(bound)
        # Of a count no group is narrower than one; the bound begins a group in any case.
        leaf.width = Decimal(1) if few else abs(bound) / BEFORE_BOUND or Decimal(1)
        leaf.groups = [0] * (GROUPS + 1)
    return leaf


def added(several: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The counts of partitions, added up; as of the earliest of their instants."""
    total: dict[str, Any] = {"customers": 0, "at": None, "segments": {}}
    for one in several:
        total["customers"] += one["customers"]
        if one["at"] is not None:
            total["at"] = one["at"] if total["at"] is None else min(total["at"], one["at"])
        for segment, counts in one["segments"].items():
            before = total["segments"].get(segment)
            total["segments"][segment] = counts if before is None else _sum(before, counts)
    return total


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    ahead: Counter[tuple[int, str]] = Counter()
    for each in (*one["ahead"], *other["ahead"]):
        ahead[each["hour"], each["transition"]] += each["customers"]
    return {
        "inside": one["inside"] + other["inside"],
        "leaves": [_sum_leaf(*pair) for pair in zip(one["leaves"], other["leaves"], strict=True)],
        "ahead": [
            {"hour": hour, "transition": transition, "customers": count}
            for (hour, transition), count in sorted(ahead.items())
        ],
    }


def _sum_leaf(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = {**one, **{name: one[name] + other[name] for name in ("holds", "reached", "missing")}}
    if "groups" in one:
        found["groups"] = [
            {**low, "customers": low["customers"] + high["customers"]}
            for low, high in zip(one["groups"], other["groups"], strict=True)
        ]
    return found
