"""What the engine published against what the oracle says, field by field."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from segments.language import Segment
from segments.language.nodes.order import reads as read_by
from segments.plan.version import version
from tests.properties.drive import Worker
from tests.properties.model import Output
from tests.properties.stories import Example

NAMED = ("event_id", "customer_id", "segment_version", "emitted_at")


def differences(
    example: Example, expected: Output, worker: Worker, unsaid: Collection[str] = ()
) -> list[str]:
    """How the two differ, but for customers of whom nothing is said; nothing if they agree."""
    return [
        *whole(expected, worker, unsaid),
        *flips(example, expected, worker, unsaid),
        *memberships(example, expected, worker, unsaid),
        *outcomes(expected, worker, unsaid),
    ]


def flips(example: Example, expected: Output, worker: Worker, unsaid: Collection[str]) -> Iterator[str]:
    """Every field of every segment event, in order."""
    loose = {each.id for rules in example.rule_sets for each in rules if reads(each)}
    found = worker.output.flips
    for name in sorted({*expected.flips, *found} - {*unsaid}):
        theirs, ours = expected.flips.get(name, []), [bare(flip) for flip in found.get(name, [])]
        for number, pair in enumerate(zip(theirs, ours, strict=False)):
            yield from (f"{name} flip {number}: {line}" for line in unlike(*pair, loose))
        if len(theirs) != len(ours):
            longer, who = (theirs, "oracle") if len(theirs) > len(ours) else (ours, "engine")
            yield f"{name}: only the {who} has {longer[min(len(theirs), len(ours)) :]}"


def memberships(example: Example, expected: Output, worker: Worker, unsaid: Collection[str]) -> Iterator[str]:
    """Every record of memberships, nulls included."""
    loose = {each.id for rules in example.rule_sets for each in rules if reads(each)}
    found = worker.output.memberships
    for name in sorted({*expected.memberships, *found} - {*unsaid}):
        theirs, ours = expected.memberships.get(name, []), found.get(name, [])
        if [each and each["sequence"] for each in theirs] != [each and each["sequence"] for each in ours]:
            yield f"{name} memberships: oracle {theirs}, engine {ours}"
            continue
        for left, right in zip(theirs, ours, strict=True):
            pairs = zip(left["segments"], right["segments"], strict=False) if left and right else ()
            yield from (f"{name} membership: {line}" for a, b in pairs for line in unlike(a, bare(b), loose))
            if left and right and len(left["segments"]) != len(right["segments"]):
                yield f"{name} memberships: oracle {left}, engine {right}"


def outcomes(expected: Output, worker: Worker, unsaid: Collection[str]) -> Iterator[str]:
    """Every field of every segment outcome, in order; money of the engine is in cents."""
    for name in sorted({*expected.told, *worker.output.told} - {*unsaid}):
        theirs = [
            {**each, "entered_as": name, "revenue": cents(each["revenue"])}
            for each in expected.told.get(name, [])
        ]
        ours = [bare(each) for each in worker.output.told.get(name, [])]
        if theirs != ours:
            yield f"{name} outcomes: oracle {theirs}, engine {ours}"


def cents(money: Decimal | None) -> int | None:
    """Money as the engine has it."""
    return None if money is None else int(money * 100)


def whole(expected: Output, worker: Worker, unsaid: Collection[str]) -> Iterator[str]:
    """Outcomes, clock, offsets and members of the partition."""
    yield from (f"a bug: {bug}" for bug in worker.bugs)
    if expected.offsets != worker.output.offsets:
        yield f"offsets: oracle {expected.offsets}, engine {worker.output.offsets}"
    if unsaid:
        return
    if expected.outcomes != worker.output.outcomes:
        yield f"outcomes: oracle {expected.outcomes}, engine {worker.output.outcomes}"
    if expected.clock != float("-inf") and expected.clock != worker.output.clock:
        yield f"clock: oracle {expected.clock}, engine {worker.output.clock}"
    last = [each[-1] for each in expected.memberships.values() if each]
    inside = sorted(stay["segment"] for each in last if each is not None for stay in each["segments"])
    if inside != sorted((+worker.members).elements()):
        yield f"members: oracle {inside}, engine {worker.members}"


def unlike(expected: dict[str, Any], found: dict[str, Any], loose: set[str]) -> Iterator[str]:
    """The fields that differ. `valid_until` of a rule that reads segments may be early, never late."""
    for name in expected | found:
        left, right = expected.get(name), found.get(name)
        if name == "valid_until" and expected["segment"] in loose:
            if left is not None and (right is None or right > left):
                yield f"{name}: oracle {left}, engine {right}, which is late"
        elif left != right:
            yield f"{name}: oracle {left}, engine {right}"


def reads(segment: Segment) -> bool:
    """Whether a rule reads another segment."""
    return bool(read_by(segment))


def bare(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what the oracle does not know."""
    return {name: value for name, value in record.items() if name not in NAMED}


def names(example: Example, worker: Worker) -> Iterator[str]:
    """Versions are those of the rules, and an id is a function of its six fields, and only of them."""
    versions = {
        (each.id, version(each, "EUR", example.zone)) for rules in example.rule_sets for each in rules
    }
    ids: dict[str, tuple[Any, ...]] = {}
    fields = ("customer_id", "segment", "segment_version", "transition", "sequence", "occurred_at")
    for customer, published in worker.output.flips.items():
        for flip in published:
            six = tuple(flip[name] for name in fields)
            if flip["customer_id"] != customer or (flip["segment"], flip["segment_version"]) not in versions:
                yield f"{flip} names another customer or version"
            if flip["emitted_at"] != 0 or ids.setdefault(flip["event_id"], six) != six:
                yield f"{flip} has the id of {ids[flip['event_id']]}"


def orderly(worker: Worker) -> Iterator[str]:
    """Sequences have no gap, transitions alternate, an exit has the episode of its enter, memberships follow."""
    for name, published in worker.output.flips.items():
        inside: dict[tuple[str, str | None], int] = {}
        sequence, told = 0, {0: set[tuple[str, str | None]]()}
        for flip in published:
            if flip["sequence"] == 1:
                inside, sequence, told = {}, 0, {0: set()}
            sequence += 1
            place = flip["segment"], flip["value"]
            enters, was = flip["transition"] == "enter", place in inside
            episode = sequence if enters else inside.pop(place, None)
            if flip["sequence"] != sequence or flip["episode"] != episode or enters == was:
                yield f"{name}: {flip} out of order"
            if enters:
                inside[place] = sequence
            told[sequence] = set(inside)
        last = worker.output.memberships[name][-1]
        stays = last and {(stay["segment"], stay["value"]) for stay in last["segments"]}
        if last is not None and stays != told.get(last["sequence"]):
            yield f"{name}: {last} does not follow from {published}"
