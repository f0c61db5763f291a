"""How another rule set takes a customer over, by the oracle: sentence by sentence from SEMANTICS.md, section 7."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from segments.language import Segment
from segments.language.catalogue import SESSION_GAP
from segments.language.nodes.text import measure_text, measures_of_rule
from segments.language.truth.evidence import evidence
from segments.language.truth.life import PLAIN, Customer, in_turn
from segments.language.truth.memory import NEVER
from segments.plan.version import version


def measures(segments: Sequence[Segment]) -> set[str]:
    """The measures of a rule set, by their text."""
    return {measure_text(measure) for each in segments for measure in measures_of_rule(each)}


def taken_over(
    old: Customer, segments: Sequence[Segment], clock: float, known: Mapping[str, float]
) -> Customer:
    """A customer under these rules; what is due before the clock has fired already."""
    new = Customer(segments, old.currency, known, old.name)
    new.watches = old.watches
    new.watches.carry(new.segments)
    for name in ("memory", "ids", "instant", "latest", "sequence", "erased", "flips", "memberships"):
        setattr(new, name, getattr(old, name))
    new.memory.known = known
    ids = {each.id for each in new.segments}
    new.inside = {place: stay for place, stay in old.inside.items() if place[0] in ids}
    touched = changed(old.segments, new.segments)
    held_back(new, old, touched)
    new.swept = max(new.instant, clock) if touched else old.swept
    if new.instant > NEVER:
        flip_changed(new, old, touched, int(max(new.instant, clock)))
    return new


def held_back(new: Customer, old: Customer, touched: set[str]) -> None:
    """What holds the customer back goes on by id: enters that still count, and beginnings of what did not change."""
    memory, spans = new.memory, {each.id: each.at_most_every for each in old.segments}
    for place, at in list(memory.entered.items()):
        if place not in new.inside and at + spans.get(place[0], 0) <= old.instant:
            del memory.entered[place]
    going = {each.id for each in new.segments} - touched
    memory.begun = {place: at for place, at in memory.begun.items() if place[0] in going}


def changed(before: Sequence[Segment], after: Sequence[Segment]) -> set[str]:
    """The rules that are new, or mean something else."""
    versions = {each.id: version(each) for each in before}
    return {each.id for each in after if versions.get(each.id) != version(each)}


def flip_changed(new: Customer, old: Customer, touched: set[str], now: int) -> None:
    """What changed flips, and what was removed is left, in one evaluation."""
    inside = {place for place in new.inside if place[0] not in touched}
    members = new.members(now, new.inside, new.memory, counts=False)
    inside |= {place for place in members if place[0] in touched}
    begun = dict(new.memory.begun)
    new.begin(now, inside, new.memory)
    since = {place: at for place, at in new.memory.begun.items() if place[0] in touched}
    new.memory.begun = {place: at for place, at in begun.items() if place[0] not in touched} | since
    removed, names = set(old.inside) - set(new.inside), {each.id for each in old.segments}
    flipped = in_turn(removed | (inside ^ set(new.inside)), inside)
    if not flipped:
        return
    new.instant = now
    by_id = {each.id: each for each in new.segments}
    fresh = []
    for place in flipped:
        name, value = place
        if place in removed:
            fresh.append(leave_removed(new, old.inside[place], now))
        else:
            reason = "rule_changed" if name in names else "rule_added"
            flip = new.flip(by_id[name], place in inside, now, value)
            fresh.append(flip | {"reason": reason, "cause": None})
    for flip in fresh:
        if flip["reason"] != "rule_removed":
            segment, value = by_id[flip["segment"]], flip["value"]
            new.watches.watch(segment, flip)
            flip["evidence"] = list(evidence(segment, now, new.memory, inside, value))
            flip["valid_until"] = new.next_flip(segment, value)
    new.flips += fresh
    new.memberships.append({"sequence": new.sequence, "segments": list(stays(new))})


def leave_removed(new: Customer, stay: dict[str, Any], now: int) -> dict[str, Any]:
    """The exit from a segment whose rule is gone, and with it what it measured."""
    new.sequence += 1
    left = {"segment": stay["segment"], "transition": "exit", "occurred_at": now, "sequence": new.sequence}
    left |= {"episode": stay["episode"], "reason": "rule_removed", "cause": None}
    return {**left, "evidence": [], "valid_until": None, **PLAIN, "value": stay["value"], "arm": stay["arm"]}


def stays(customer: Customer) -> Iterator[dict[str, Any]]:
    """The segments that a customer is in, as memberships tell them."""
    by_id = {each.id: each for each in customer.segments}
    for place in in_turn(customer.inside, customer.inside):
        yield {**customer.inside[place], "valid_until": customer.next_flip(by_id[place[0]], place[1])}


def unsaid(old: Customer, segments: Sequence[Segment], clock: float) -> bool:
    """Whether this oracle can't say what comes of a customer.

    A new measure knows events *from then on*: of one that was applied before, but occurred after the clock of the
    change, this can be read in two ways. And a rule that goes on may be due at that very instant, not before it.
    """
    times = [event["occurred_at"] for _, event in old.memory.events]
    new = measures(segments) - measures(old.segments)
    going = {each.id for each in segments} - changed(old.segments, segments)
    now = max(old.instant, clock)
    due = now > NEVER and any(
        place[0] in going
        for place in old.members(int(now), old.inside, old.memory, counts=False) ^ set(old.inside)
    )
    due |= any(end == now for end in old.watches.ends())
    return due or (bool(new) and max(times, default=NEVER) > clock - SESSION_GAP)
