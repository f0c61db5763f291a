"""What is wrong with what came out: lost, doubled, or wrong in another way."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import schemas
from segments.engine import (
    IDENTITIES,
    INPUTS,
    POSITION_KEY,
    EngineSettings,
    Partition,
    Position,
    RuleSet,
    of_customer,
    position_of,
)
from streams.kafka.topics import changelog
from tests.chaos.reading import Raw, Reader, read_by
from tests.chaos.truth import Truth

LOST, DOUBLED, WRONG = "lost", "doubled", "wrong"


Place = tuple[str, str | None]
"""A segment and one of its values."""


@dataclass(slots=True)
class Verdict:
    """Everything found, counted by kind; `notes` tells the first of each."""

    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, kind: str, note: str, count: int = 1) -> None:
        """Count a finding."""
        if count:
            self.counts[kind] += count
            if len(self.notes) < 12:
                self.notes.append(f"{kind}: {note:.400}")

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.counts


def compare_lines(
    verdict: Verdict, expected: Mapping[str, list[str]], actual: Mapping[str, list[str]]
) -> None:
    """Customer by customer, byte for byte."""
    for customer in sorted(expected.keys() | actual.keys()):
        wanted, came = expected.get(customer, []), actual.get(customer, [])
        if wanted == came:
            continue
        many, few = Counter(wanted), Counter(came)
        lost, more = many - few, few - many
        ids = {json.loads(line)["event_id"] for line in wanted}
        doubled = sum(
            count for line, count in more.items() if line in many or json.loads(line)["event_id"] in ids
        )
        verdict.add(LOST, f"{customer}: {next(iter(lost), '')}", lost.total())
        verdict.add(DOUBLED, f"{customer}: {next(iter(more), '')}", doubled)
        verdict.add(WRONG, f"{customer}: {next(iter(more), '')}", more.total() - doubled)
        if not lost and not more:
            verdict.add(WRONG, f"{customer}: {len(wanted)} flips in another order")


def check_sequences(verdict: Verdict, events: Iterable[Mapping[str, Any]], erased: Collection[str]) -> None:
    """Sequences without a gap, enters and exits in turns; 1 again only for one who was erased, and is in no segment."""
    sequence: dict[str, int] = defaultdict(int)
    inside: dict[str, dict[Place, int]] = defaultdict(dict)
    seen: Counter[str] = Counter()
    for event in events:
        customer, number = event["customer_id"], event["sequence"]
        seen[event["event_id"]] += 1
        afresh = number == 1 and customer in erased and not inside[customer]
        if number != sequence[customer] + 1 and not afresh:
            kind = DOUBLED if number <= sequence[customer] else LOST
            verdict.add(kind, f"{customer}: sequence {number} after {sequence[customer]}")
        sequence[customer] = number
        _alternates(verdict, inside[customer], event)
    for name, count in seen.items():
        verdict.add(DOUBLED, f"event_id {name} {count} times", count - 1)


def _alternates(verdict: Verdict, inside: dict[Place, int], event: Mapping[str, Any]) -> None:
    place, enters = (event["segment"], event["value"]), event["transition"] == "enter"
    if enters == (place in inside):
        verdict.add(WRONG, f"{event['customer_id']}: {event['transition']} of {place}, twice in a row")
    if enters:
        inside[place] = event["sequence"]
    elif inside.pop(place, None) != event["episode"]:
        verdict.add(WRONG, f"{event['customer_id']}: exit of {place} with episode {event['episode']}")


Stay = tuple[str, str | None, str, int, int]
"""Segment, value, version, entered at, episode."""


def versionless(inside: Mapping[str, set[Stay]]) -> dict[str, set[Stay]]:
    """Who is in what, whatever the version: that of a membership changes without a flip when another one goes live."""
    return {who: {(*stay[:2], "", *stay[3:]) for stay in stays} for who, stays in inside.items()}


def fold(events: Iterable[Mapping[str, Any]]) -> dict[str, set[Stay]]:
    """Who is in what after all events."""
    inside: dict[str, dict[Place, Stay]] = defaultdict(dict)
    for event in events:
        place = (event["segment"], event["value"])
        if event["transition"] == "enter":
            stay = (*place, event["segment_version"], event["occurred_at"], event["episode"])
            inside[event["customer_id"]][place] = stay
        else:
            inside[event["customer_id"]].pop(place, None)
    return {customer: set(stays.values()) for customer, stays in inside.items() if stays}


def held(memberships: Iterable[Raw]) -> dict[str, set[Stay]]:
    """Who is in what by the latest record of each customer."""
    latest = {raw.key: raw.value for raw in memberships}
    found = {}
    for key, value in latest.items():
        if key is not None and value is not None:
            record = schemas.decode(schemas.SEGMENT_MEMBERSHIPS, value)
            stays = {
                (s["segment"], s["value"], s["segment_version"], s["entered_at"], s["episode"])
                for s in record["segments"]
            }
            if stays:
                found[key.decode()] = stays
    return found


def compare(
    verdict: Verdict, what: str, expected: Mapping[Any, Any], actual: Mapping[Any, Any], kind: str = WRONG
) -> None:
    """Two mappings, entry by entry."""
    for key in expected.keys() | actual.keys():
        if expected.get(key) != actual.get(key):
            verdict.add(
                kind, f"{what} of {key}: expected {expected.get(key)!r:.300}, came {actual.get(key)!r:.300}"
            )


def check_letters(verdict: Verdict, reader: Reader, expected: Truth) -> None:
    """One dead letter for each refused record, with its reason and its very bytes, in the same partition."""
    came: Counter[Any] = Counter()
    for raw in reader.all("dead-letters"):
        where = (raw.headers["topic"].decode(), int(raw.headers["partition"]), int(raw.headers["offset"]))
        came[where] += 1
        if raw.partition != where[1]:
            verdict.add(WRONG, f"the dead letter of {where} is in partition {raw.partition}")
        letter = (raw.headers["reason"].decode(), raw.key, raw.value)
        if expected.letters.get(where, letter) != letter:
            verdict.add(WRONG, f"the dead letter of {where}: {letter}, not {expected.letters[where]}")
    for where in expected.letters.keys() | came.keys():
        wanted = int(where in expected.letters)
        if came[where] != wanted:
            kind = LOST if came[where] < wanted else DOUBLED if wanted else WRONG
            verdict.add(kind, f"{came[where]} dead letters of {where}, expected {wanted}")


def check_positions(verdict: Verdict, reader: Reader, group: str, positions: Mapping[int, Position]) -> None:
    """The record beside the customers and what the group committed are equal, and both at the end of the inputs."""
    committed = reader.committed(group)
    for (topic, number), end in reader.ends(read_by(group)).items():
        said = positions[number].offsets.get(topic, 0) if number in positions else 0
        if not said == committed[topic, number] == end:
            verdict.add(
                WRONG,
                f"{topic}-{number} ends at {end}: position {said}, committed {committed[topic, number]}",
            )


def states(reader: Reader, group: str) -> tuple[dict[int, dict[bytes, bytes]], dict[int, Position]]:
    """The committed states of the customers by partition, and the record beside them, read from the changelog."""
    folded: dict[int, dict[bytes, bytes]] = defaultdict(dict)
    for raw in reader.all(changelog(group).name):
        if raw.key is not None and raw.value is not None:
            folded[raw.partition][raw.key] = raw.value
        elif raw.key is not None:
            folded[raw.partition].pop(raw.key, None)
    positions = {number: position_of(each[POSITION_KEY]) for number, each in folded.items()}
    return dict(folded), positions


def remembered(kept: Mapping[bytes, bytes], rules: RuleSet) -> dict[bytes, dict[str, Any]]:
    """What is remembered of each customer, without what is no longer needed, in however many records it stands.

    The bytes may have the keys of a `by` in another order.
    """
    if not kept:
        return {}
    count = position_of(kept[POSITION_KEY]).count
    partition = Partition(0, count, rules, EngineSettings(currency=rules.plan.currency), kept)
    return {key: partition.remembered(key) or {} for key in kept if of_customer(key)}


def check_accounts(verdict: Verdict, metrics: Mapping[str, float], who: str) -> None:
    """What a worker consumed is what it applied, recognised, ignored and refused, topic by topic."""
    for topic in (*INPUTS, IDENTITIES):
        consumed = metrics.get(f'segments_records_consumed_total{{topic="{topic}"}}', 0.0)
        outcomes = sum(
            value
            for name, value in metrics.items()
            if name.startswith("segments_records_total{") and f'"{topic}"' in name
        )
        if consumed != outcomes:
            verdict.add(
                WRONG, f"{who} consumed {consumed:.0f} of {topic}, and says what became of {outcomes:.0f}"
            )


def check_once(verdict: Verdict, outcomes: Iterable[Mapping[str, Any]]) -> None:
    """No outcome is told twice."""
    for event_id, times in Counter(each["event_id"] for each in outcomes).items():
        if times > 1:
            verdict.add(DOUBLED, f"the outcome {event_id} was told {times} times", times - 1)


def check_arms(verdict: Verdict, told: Iterable[Mapping[str, Any]]) -> None:
    """A customer is in one arm of a segment, whatever is told; `told`: flips and outcomes."""
    arms: dict[tuple[str, str], str | None] = {}
    for each in told:
        place = each.get("entered_as", each["customer_id"]), each["segment"]
        if arms.setdefault(place, each["arm"]) != each["arm"]:
            verdict.add(WRONG, f"{place} was {arms[place]}, and is {each['arm']}")


def check_watches(
    verdict: Verdict,
    flips: Iterable[Mapping[str, Any]],
    outcomes: Iterable[Mapping[str, Any]],
    windows: Mapping[str, int],
    ends: Mapping[str, int],
) -> None:
    """Each enter that opens a watch matures once at the end of its window, if that lies before the end of the run.

    `windows`: milliseconds by segment with a goal. `ends`: the clock of the partition at the end, by customer; those
    that are not named, such as whoever was erased, are not looked at.
    """
    expected, open_until = Counter[tuple[str, str, int]](), dict[tuple[str, str], int]()
    for flip in flips:
        place, at = (flip["customer_id"], flip["segment"]), flip["occurred_at"]
        window = windows.get(flip["segment"])
        if flip["transition"] != "enter" or window is None or at < open_until.get(place, at):
            continue
        open_until[place] = at + window
        if place[0] in ends and at + window < ends[place[0]]:
            expected[(*place, at)] += 1
    came = Counter[tuple[str, str, int]](
        (each["customer_id"], each["segment"], each["entered_at"])
        for each in outcomes
        if each["kind"] == "matured" and each["customer_id"] in ends
    )
    for watch, count in (expected - came).items():
        verdict.add(LOST, f"{watch} has not matured", count)
    for watch, count in (came - expected).items():
        verdict.add(WRONG, f"{watch} has matured, and was not to", count)
