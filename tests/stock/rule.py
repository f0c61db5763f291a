"""Three visits in a week without buying, written plainly: one customer's state, and one event after the other.

The stock Faust application uses it, and so does the verdict: what differs between them is the stream processor. It imports
nothing, since it runs in both environments.
"""

from dataclasses import dataclass, field

WINDOW = 7 * 86_400_000
SESSION_GAP = 30 * 60_000
WANTED = 3
PURCHASE, VISIT, OTHER = "purchase", "visit", "other"

Flip = tuple[str, int]
"""Enter or exit, and the instant."""


@dataclass
class Customer:
    """What the rule remembers of a customer; instants in milliseconds."""

    visits: list[int] = field(default_factory=list)
    last: int = 0
    inside: bool = False


def step(customer: Customer, at: int, kind: str) -> list[Flip]:
    """Apply an event; what flipped, an exit by time first, at its own instant."""
    flips: list[Flip] = []
    while customer.visits and customer.visits[0] + WINDOW <= at:
        flips += _set(customer, len(customer.visits) > WANTED, customer.visits[0] + WINDOW)
        customer.visits.pop(0)
    if kind == PURCHASE:
        customer.visits.clear()
    elif kind == VISIT:
        if at - customer.last >= SESSION_GAP:
            customer.visits.append(at)
        customer.last = max(customer.last, at)
    return [*flips, *_set(customer, len(customer.visits) >= WANTED, at)]


def _set(customer: Customer, inside: bool, at: int) -> list[Flip]:
    if inside == customer.inside:
        return []
    customer.inside = inside
    return [("enter" if inside else "exit", at)]
