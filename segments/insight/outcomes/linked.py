"""What ids did that became one customer: kept until all partitions are read, for those ids may lie in any of them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from segments.insight.outcomes.past import Past
from segments.insight.outcomes.period import ALWAYS
from segments.insight.outcomes.stays import Stay
from segments.insight.outcomes.sums import Sums
from segments.insight.owners import Owners

Stays = Mapping[str, Sequence[Stay]]
"""By segment."""


class Linked:
    """The pasts and stays of the ids of links."""

    def __init__(self, links: Iterable[Mapping[str, Any]]) -> None:
        """`links` as the records of `identities` have them."""
        self._links = list(links)
        self.ids = {each[name] for each in self._links for name in ("customer_id", "into")}
        self.kept: dict[str, tuple[Past, Stays]] = {}

    def apart(self) -> "Linked":
        """For another process, which reads other partitions: the ids alone."""
        other = Linked(())
        other.ids = self.ids
        return other

    def keep(self, name: str, past: Past, stays: Stays) -> None:
        """What an id did, and where it was in."""
        self.kept[name] = past, stays

    def join(self, other: "Linked") -> None:
        """What was kept of the ids of other partitions."""
        self.kept |= other.kept

    def fold(self, sums: Sums) -> None:
        """All partitions are read: add up what each customer did under all their ids, and let it go."""
        # By name: which of two events with one id is the duplicate does not depend on which partition was read first.
        kept = sorted(self.kept.items())
        erased = [(name, past.erased_at) for name, (past, _) in kept if past.erased_at > ALWAYS]
        owners, pasts = Owners(self._links, erased), dict[str, Past]()
        every: dict[str, dict[str, list[Stay]]] = defaultdict(lambda: defaultdict(list))
        for name, (past, stays) in kept:

            def of(at: int, name: str = name, reach: int = past.reach) -> Past:
                return pasts.setdefault(owners.owner(name, at), Past(reach))

            past.hand_over(of)
            for segment, own in stays.items():
                for stay in own:
                    every[owners.owner(name, stay.entered_at)][segment].append(stay)
        self.kept.clear()
        for name in pasts.keys() | every.keys():
            joined = {
                segment: sorted(own, key=lambda stay: stay.entered_at) for segment, own in every[name].items()
            }
            sums.did(pasts.get(name, Past()), joined)
