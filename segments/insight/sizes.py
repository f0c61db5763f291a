"""All rules of a set at one instant: how large each segment is, who is in none, and which have customers in common."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from segments.engine import BEFORE_ALL, Partition, PlannedRules, RuleSet, of_customer
from segments.insight.census import Census
from segments.insight.identity import goes_on

NOBODY = b""
"""A key that no customer has: of them a rule says only what it asks."""


@dataclass(slots=True)
class Sizes:
    """Counts the customers of partitions, one partition after the other."""

    rules: RuleSet | PlannedRules
    census: Census | None = None
    members: Counter[str] = field(default_factory=Counter)
    shared: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Customers who are in both of two segments, by their ids in ascending order."""
    in_none: int = 0

    def note(self, partition: Partition, keys: Sequence[bytes], now: int | None) -> None:
        """Count the customers of a partition by their keys, as of an instant."""
        at = BEFORE_ALL if now is None else now
        if self.census is None:
            self.census = Census(partition.rules, partition.why(NOBODY)["rules"], percentiles=True)
        for key in filter(of_customer, keys):
            found = partition.why(key, at)
            if not found["known"] or goes_on(partition, key):
                continue
            self.census.note(found)
            inside = sorted({view["segment"] for view in found["rules"] if view["inside"]})
            self.members.update(inside)
            self.shared.update(combinations(inside, 2))
            self.in_none += not inside

    def told(self) -> dict[str, Any]:
        """As plain values: sizes and conditions by segment, and pairs with customers in common, the largest first."""
        counted: Mapping[str, Any] = {} if self.census is None else self.census.told()
        customers = counted.get("customers", 0)
        pairs = sorted(self.shared.items(), key=lambda each: (-each[1], each[0]))
        return {
            "customers": customers,
            "in_none": self.in_none,
            "segments": {
                name: {
                    "members": self.members[name],
                    "share": self.members[name] / customers if customers else None,
                    "leaves": counted["segments"][name]["leaves"] if counted else [],
                }
                for name in sorted(self.rules.ids)
            },
            "overlap": [{"segments": list(pair), "customers": count} for pair, count in pairs],
        }
