"""Which episodes a report is about, and the smallest number that it tells."""

from dataclasses import dataclass

LEFT_OUT = frozenset({"rule_added", "rule_changed", "merged"})
"""Reasons of enters that nothing in the customer's behaviour brought about: left out unless asked for."""
FEWEST = 10
"""Customers behind a number that is told (contract, section F)."""
FEW = "< 10"
"""What stands in place of a number of fewer."""
MILLISECONDS_OF_A_DAY = 86_400_000
ALWAYS, NEVER = -(1 << 60), 1 << 60
"""Instants in milliseconds, before and after all others."""


@dataclass(frozen=True, slots=True)
class Period:
    """Episodes that began at `since` or later and before `until`; instants in milliseconds."""

    until: int
    since: int = ALWAYS
    now: int = NEVER
    """The instant as of which outcomes have matured, or not yet."""
    every: bool = False
    """Whether the enters of a new or changed rule and of a merge count, too."""

    def holds(self, at: int) -> bool:
        """Whether an instant lies in the period."""
        return self.since <= at < self.until

    def own(self, reason: str) -> bool:
        """Whether an enter with this reason counts."""
        return self.every or reason not in LEFT_OUT


@dataclass(slots=True)
class Count:
    """How often something happened, and to how many customers."""

    times: int = 0
    customers: int = 0

    def add(self, times: int) -> None:
        """It happened so often to one more customer; not at all: the customer does not count."""
        self.times += times
        self.customers += times > 0

    def join(self, other: "Count") -> None:
        """It happened to other customers, too."""
        self.times += other.times
        self.customers += other.customers

    @property
    def told(self) -> int | str:
        """The number, or that it is one of too few customers."""
        return self.times if self.customers >= FEWEST else FEW
