"""Visitors who log in: ids in different partitions that become one customer, in the traffic beside everybody else.

What is published of them is not determined byte for byte, since a partition may read what another one sends earlier or
later; the segments at the end are, under the conditions that these customers keep to: instants that differ, whole
histories, nothing erased, nothing refused, each id linked into one other. Two of the ids are a chain.
"""

import random
from dataclasses import dataclass, field

import schemas
from segments.engine import IDENTITIES
from segments.language.nodes.order import flips_in, in_order
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import measures_of_rule
from tests.chaos.traffic import Message, Shop

WAYS = {**{f"v{number}": f"l{number % 4}" for number in range(8)}, "l3": "w0"}
"""Into whom each id is linked: eight visitors into four customers, one of whom turns out to be a fifth."""
LINKED = tuple(sorted({*WAYS, *WAYS.values()}))
"""All ids of these customers."""
SHARE = 0.08
"""How much of the traffic is theirs."""
LINKS = 0.15
"""How much of what they do is a login: of some hundred messages each id has several, the first of which counts."""


@dataclass
class Logins:
    """Makes messages of these customers; the same seed and the same instants give the same ones."""

    seed: int
    partitions: int
    chance: random.Random = field(init=False)
    _used: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"logins {self.seed}")
        self._shop = Shop(self.seed, self.partitions)

    def seldom(self, at: int) -> Message | None:
        """A message of theirs now and then."""
        return self.message(at) if self.chance.random() < SHARE else None

    def message(self, at: int) -> Message:
        """An event of one of them, or a login, at this instant or at the latest one before that none of them has."""
        while at in self._used:
            at -= 1
        self._used.add(at)
        if self.chance.random() < LINKS:
            return self._login(self.chance.choice(tuple(WAYS)), at)
        return self._shop.event(self.chance.choice(LINKED), at)

    def _login(self, visitor: str, at: int) -> Message:
        event = {
            "event_id": f"login-{len(self._used)}", "customer_id": visitor, "into": WAYS[visitor], "occurred_at": at,
            "action": "link", "source": None,
        }  # fmt: skip
        return Message(IDENTITIES, visitor.encode(), schemas.encode(schemas.LINK, event))


def promised(segment: Segment) -> bool:
    """Whether who is in a segment at the end does not depend on the order in which events arrive."""
    return not any(
        each.until is not None or each.for_at_least or each.at_most_every or flips_in(measures_of_rule(each))
        for each in in_order([segment])
    )
