"""New borders for a customer, for the oracle: what lies between the old ones and the new flips, and nothing else."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from segments.language.nodes.order import reads
from segments.language.nodes.segment import Segment
from segments.language.nodes.text import borders_in
from segments.language.truth.evidence import evidence
from segments.language.truth.life import Customer, in_turn
from segments.language.truth.memory import NEVER
from segments.language.truth.oracle import bound_of


def take_borders(
    customer: Customer, borders: Mapping[str, Decimal], clock: float, cause: Mapping[str, Any] | None
) -> None:
    """What is due before the clock fires by the old borders; then one evaluation of what reads one that moved.

    The flips have the reason `borders`; for rules that read the flips of these, they are events.
    """
    customer.fire(clock)
    touched = {each.id for each in customer.segments if _moves(each, customer, borders)}
    customer.borders = customer.memory.borders = borders
    if not touched or customer.instant == NEVER:
        return
    now = int(max(customer.instant, clock))
    customer.swept = now
    touched = _with_readers(touched, customer)
    memory = customer.memory
    inside = customer.members(now, customer.inside, memory, counts=True)
    inside = {place for place in inside if place[0] in touched}
    inside |= {place for place in customer.inside if place[0] not in touched}
    customer.begin(now, inside, memory)
    rules = {each.id: each for each in customer.segments}
    places = in_turn(inside ^ set(customer.inside), inside)
    flipped = [(rules[name], value) for name, value in places]
    if not flipped:
        return
    customer.instant = now
    fresh = [customer.flip(each, (each.id, value) in inside, now, value) for each, value in flipped]
    for (each, value), flip in zip(flipped, fresh, strict=True):
        flip |= {"reason": "borders", "cause": cause}
        flip["evidence"] = list(evidence(each, now, memory, inside, value))
        flip["valid_until"] = customer.next_flip(each, value)
        customer.watches.watch(each, flip)
    customer.flips += fresh
    stays = [
        {**customer.inside[place], "valid_until": customer.next_flip(rules[place[0]], place[1])}
        for place in in_turn(inside, inside)
    ]
    customer.memberships.append({"sequence": customer.sequence, "segments": stays})


def _moves(segment: Segment, customer: Customer, borders: Mapping[str, Decimal]) -> bool:
    """Whether a border that a rule reads is another one now."""
    before, after = customer.memory, customer.nothing()
    after.borders = borders
    return any(
        bound_of(leaf, before) != bound_of(leaf, after) for leaf in borders_in(segment.when, segment.until)
    )


def _with_readers(touched: set[str], customer: Customer) -> set[str]:
    """The rules, and those that read their segments, or the flips of these."""
    found = set(touched)
    for each in customer.ordered:
        if any(other.id in found for other in reads(each)):
            found.add(each.id)
    return found
